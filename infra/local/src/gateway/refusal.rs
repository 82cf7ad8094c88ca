//! What the gateway itself answers, without asking a function.

use http::header::{ALLOW, CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use platform::http::LiveBody;

use crate::function::Failure;

/// A request that no function sees, or that no function answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No route has the path.
    NoRoute,
    /// The path has other methods; these.
    MethodNotAllowed(String),
    /// Request line and headers are over API Gateway's limit.
    HeadersTooLarge,
    /// The body is over API Gateway's limit.
    BodyTooLarge,
    /// The body did not come in time.
    BodyTimeout,
    /// The body broke off.
    BodyBroken,
    /// A `Host` that is none.
    InvalidHost,
    /// The function failed.
    Function(Failure),
}

impl Refusal {
    fn parts(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::NoRoute => {
                (StatusCode::NOT_FOUND, "no_route", "no such route; see the API at a glance in the README")
            }
            Self::MethodNotAllowed(_) => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "the route does not have this method; the Allow header lists those it has",
            ),
            Self::HeadersTooLarge => (
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "headers_too_large",
                "request line and headers are larger than 10240 bytes; send less",
            ),
            Self::BodyTooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, "too_large", "the body is larger than 10485760 bytes; send less")
            }
            Self::BodyTimeout => (
                StatusCode::REQUEST_TIMEOUT,
                "request_timeout",
                "the body did not arrive within 30 seconds; send it again",
            ),
            Self::BodyBroken => (
                StatusCode::BAD_REQUEST,
                "incomplete_body",
                "the body ended before its announced length; send it again",
            ),
            Self::InvalidHost => {
                (StatusCode::BAD_REQUEST, "invalid_host", "the Host header is not a host; send that of the URL")
            }
            Self::Function(Failure::TimedOut(_)) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "function_timeout",
                "the request took too long and was stopped; look at its result before sending it again",
            ),
            Self::Function(_) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal_error",
                "the platform failed on this request; its log says why",
            ),
        }
    }

    /// Whether unread bytes of the request may still come, so that the connection cannot be used again.
    fn leaves_body(&self) -> bool {
        matches!(self, Self::BodyTooLarge | Self::BodyTimeout | Self::BodyBroken | Self::HeadersTooLarge)
    }

    /// The answer.
    pub(super) fn into_response(self) -> Response<LiveBody> {
        let (status, code, message) = self.parts();
        let body = serde_json::json!({ "error": message, "code": code }).to_string();
        let mut response = Response::new(Full::from(body).boxed_unsync());
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
        if self.leaves_body() {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        match self {
            Self::MethodNotAllowed(allow) => {
                if let Ok(allow) = HeaderValue::from_str(&allow) {
                    headers.insert(ALLOW, allow);
                }
            }
            Self::Function(Failure::TimedOut(_)) => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        response
    }
}
