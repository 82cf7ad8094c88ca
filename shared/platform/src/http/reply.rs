//! One answer.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use lambda_http::Body;
use serde::Serialize;

use crate::problem::Problem;

/// An answer of a handler: status, headers, body.
#[derive(Debug, Clone)]
pub struct Reply {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    content_type: HeaderValue,
    body: Bytes,
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");

impl Reply {
    /// Compact JSON.
    pub fn json(status: StatusCode, body: &impl Serialize) -> Self {
        let body = serde_json::to_vec(body).unwrap_or_else(|error| {
            tracing::error!(%error, "answer not serialisable");
            b"{}".to_vec()
        });
        Self { status, headers: Vec::new(), content_type: JSON, body: body.into() }
    }

    /// 200 with compact JSON.
    pub fn ok(body: &impl Serialize) -> Self {
        Self::json(StatusCode::OK, body)
    }

    /// Bytes as they are.
    pub fn raw(status: StatusCode, content_type: &str, body: impl Into<Bytes>) -> Self {
        let content_type = HeaderValue::from_str(content_type).unwrap_or(JSON);
        Self { status, headers: Vec::new(), content_type, body: body.into() }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((HeaderName::from_static(name), value));
        }
        self
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// As lambda_http sends it, with the security headers of every answer.
    pub(super) fn into_response(self) -> Response<Body> {
        let body = match String::from_utf8(self.body.to_vec()) {
            Ok(text) if text.is_empty() => Body::Empty,
            Ok(text) => Body::Text(text),
            Err(error) => Body::Binary(error.into_bytes()),
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(http::header::CONTENT_TYPE, self.content_type);
        for (name, value) in SECURITY_HEADERS {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        for (name, value) in self.headers {
            headers.insert(name, value);
        }
        response
    }
}

/// On every answer of the API.
const SECURITY_HEADERS: [(&str, &str); 6] = [
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("strict-transport-security", "max-age=31536000; includeSubDomains"),
    ("referrer-policy", "strict-origin-when-cross-origin"),
    ("permissions-policy", "camera=(), microphone=(), geolocation=()"),
    ("content-security-policy", "default-src 'self'"),
];

impl From<Problem> for Reply {
    fn from(problem: Problem) -> Self {
        let reply = Self::json(problem.status, &problem.body());
        match problem.retry_after {
            Some(seconds) => reply.header("retry-after", &seconds.to_string()),
            None => reply,
        }
    }
}
