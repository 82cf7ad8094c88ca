//! The response that API Gateway makes of a function's answer: payload format 2.0.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, SET_COOKIE, TRANSFER_ENCODING};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::Full;
use serde::Deserialize;

use crate::function::Failure;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    status_code: u16,
    #[serde(borrow, default)]
    headers: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    #[serde(default)]
    cookies: Vec<String>,
    #[serde(borrow, default)]
    body: Option<Cow<'a, str>>,
    #[serde(default)]
    is_base64_encoded: bool,
}

/// Reads a function's answer.
///
/// # Errors
/// It is not of the form that API Gateway takes; it answers 500 then.
pub(super) fn read(json: &[u8]) -> Result<Response<Full<Bytes>>, Failure> {
    let wrong = |what: String| Failure::Payload(format!("the function's answer: {what}"));
    let answer: Answer = serde_json::from_slice(json).map_err(|error| wrong(error.to_string()))?;
    let body = match (answer.body, answer.is_base64_encoded) {
        (None, _) => Bytes::new(),
        (Some(text), false) => Bytes::from(text.into_owned()),
        (Some(text), true) => STANDARD.decode(text.as_bytes()).map_err(|error| wrong(error.to_string()))?.into(),
    };
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = StatusCode::from_u16(answer.status_code).map_err(|error| wrong(error.to_string()))?;
    let headers = response.headers_mut();
    headers.reserve(answer.headers.len() + answer.cookies.len() + 1);
    for (name, value) in answer.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| wrong(error.to_string()))?;
        // These are the connection's own.
        if [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING].contains(&name) {
            continue;
        }
        headers.insert(name, HeaderValue::from_str(&value).map_err(|error| wrong(error.to_string()))?);
    }
    for cookie in answer.cookies {
        headers.append(SET_COOKIE, HeaderValue::from_str(&cookie).map_err(|error| wrong(error.to_string()))?);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    async fn body(response: Response<Full<Bytes>>) -> Bytes {
        response.into_body().collect().await.unwrap().to_bytes()
    }

    #[tokio::test]
    async fn an_answer_becomes_a_response() {
        let json = br#"{"statusCode":202,"headers":{"content-type":"application/json","retry-after":"1","content-length":"9"},
            "multiValueHeaders":{},"cookies":["a=1","b=2"],"body":"{\"queued\":true,\"text\":\"\u00fc\"}","isBase64Encoded":false}"#;
        let response = read(json).unwrap();
        assert_eq!(response.status(), StatusCode::ACCEPTED);
        assert_eq!(response.headers()["retry-after"], "1");
        assert!(!response.headers().contains_key(CONTENT_LENGTH));
        assert_eq!(response.headers().get_all(SET_COOKIE).iter().count(), 2);
        assert_eq!(body(response).await, "{\"queued\":true,\"text\":\"ü\"}");
    }

    #[tokio::test]
    async fn binary_is_decoded() {
        let response = read(br#"{"statusCode":200,"body":"//4=","isBase64Encoded":true,"cookies":[]}"#).unwrap();
        assert_eq!(body(response).await, &[0xff, 0xfe][..]);
    }

    #[test]
    fn an_answer_of_another_form_is_a_failure() {
        for json in [&b"null"[..], b"{}", br#"{"statusCode":99}"#, br#"{"statusCode":200,"headers":{"a b":"c"}}"#] {
            assert!(matches!(read(json), Err(Failure::Payload(_))));
        }
    }
}
