//! The AWS JSON 1.0 protocol: the operation is in a header, parameters and answers are JSON, and so are errors.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use serde_json::json;

use super::super::engine::{Error, ErrorCode, MAX_MESSAGE_BYTES, Result};
use super::operations;
use super::shared::Shared;

/// The largest request that is read, in bytes: the largest batch with every character escaped, and room for the rest.
const MAX_REQUEST_BYTES: usize = 4 * MAX_MESSAGE_BYTES;
const TARGET: &str = "x-amz-target";
const TARGET_PREFIX: &str = "AmazonSQS.";
const JSON: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.0");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
/// The code of the older query protocol and whose fault it was: what the SDKs type their errors by.
const QUERY_ERROR: HeaderName = HeaderName::from_static("x-amzn-query-error");

/// Answers a request, whatever it is.
pub(super) async fn answer(shared: &Shared, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let result = perform(shared, request).await;
    let (status, body) = match &result {
        Ok(body) => (StatusCode::OK, body.clone()),
        Err(error) => (StatusCode::BAD_REQUEST, error_body(error)),
    };
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, JSON);
    if let Ok(id) = HeaderValue::from_str(&uuid::Uuid::new_v4().to_string()) {
        headers.insert(REQUEST_ID, id);
    }
    if let Err(error) = &result
        && let Ok(code) = HeaderValue::from_str(&format!("{};Sender", error.code.query_code()))
    {
        headers.insert(QUERY_ERROR, code);
    }
    response
}

async fn perform(shared: &Shared, request: Request<Incoming>) -> Result<Bytes> {
    let operation = request
        .headers()
        .get(TARGET)
        .and_then(|target| target.to_str().ok())
        .and_then(|target| target.strip_prefix(TARGET_PREFIX))
        .map(str::to_owned)
        .ok_or_else(|| malformed(format!("There is no header {TARGET}: {TARGET_PREFIX}<operation>.")))?;
    let body = request.into_body();
    if body.size_hint().lower() > MAX_REQUEST_BYTES as u64 {
        return Err(too_large());
    }
    let body = Limited::new(body, MAX_REQUEST_BYTES).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            too_large()
        } else {
            malformed(format!("The request could not be read: {error}."))
        }
    })?;
    operations::perform(shared, &operation, &body.to_bytes()).await
}

/// The refusal of a request that is none of the protocol.
pub(super) fn malformed(message: String) -> Error {
    Error::new(ErrorCode::SerializationException, message)
}

fn too_large() -> Error {
    let message = format!("The request is larger than {MAX_REQUEST_BYTES} bytes.");
    Error::new(ErrorCode::InvalidParameterValue, message)
}

fn error_body(error: &Error) -> Bytes {
    let shape = format!("com.amazonaws.sqs#{}", error.code.shape());
    json!({ "__type": shape, "message": error.message }).to_string().into()
}
