//! One answer.

use std::convert::Infallible;

use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use lambda_http::Body;
use serde::Serialize;

use crate::problem::Problem;

/// The body of a response that may come piece by piece.
pub type LiveBody = UnsyncBoxBody<Bytes, Infallible>;

/// An answer of a handler: status, headers, body.
#[derive(Debug)]
pub struct Reply {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    content_type: HeaderValue,
    body: ReplyBody,
}

enum ReplyBody {
    Whole(Bytes),
    Live(BoxStream<'static, Bytes>),
}

impl std::fmt::Debug for ReplyBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Whole(body) => f.debug_tuple("Whole").field(&body.len()).finish(),
            Self::Live(_) => f.write_str("Live"),
        }
    }
}

/// A response for the Lambda runtime: one that buffers, or one that streams.
#[derive(Debug)]
pub enum Answered {
    /// Whole.
    Whole(Response<Body>),
    /// Piece by piece; only where the call said that it is live.
    Live(Response<LiveBody>),
}

impl Answered {
    /// As a response that could stream.
    pub fn into_live(self) -> Response<LiveBody> {
        match self {
            Self::Live(response) => response,
            Self::Whole(response) => response.map(|body| {
                let bytes = match body {
                    Body::Text(text) => Bytes::from(text),
                    Body::Binary(bytes) => Bytes::from(bytes),
                    _ => Bytes::new(),
                };
                Full::new(bytes).boxed_unsync()
            }),
        }
    }
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");

impl Reply {
    /// Compact JSON.
    pub fn json(status: StatusCode, body: &impl Serialize) -> Self {
        let body = serde_json::to_vec(body).unwrap_or_else(|error| {
            tracing::error!(%error, "answer not serialisable");
            b"{}".to_vec()
        });
        Self { status, headers: Vec::new(), content_type: JSON, body: ReplyBody::Whole(body.into()) }
    }

    /// 200 with compact JSON.
    pub fn ok(body: &impl Serialize) -> Self {
        Self::json(StatusCode::OK, body)
    }

    /// Bytes as they are.
    pub fn raw(status: StatusCode, content_type: &str, body: impl Into<Bytes>) -> Self {
        let content_type = HeaderValue::from_str(content_type).unwrap_or(JSON);
        Self { status, headers: Vec::new(), content_type, body: ReplyBody::Whole(body.into()) }
    }

    /// 200 with a body that comes piece by piece, for a call that is live.
    pub fn live(content_type: &'static str, body: BoxStream<'static, Bytes>) -> Self {
        let content_type = HeaderValue::from_static(content_type);
        Self { status: StatusCode::OK, headers: Vec::new(), content_type, body: ReplyBody::Live(body) }
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
    pub(super) fn into_response(self) -> Answered {
        let Self { status, headers, content_type, body } = self;
        match body {
            ReplyBody::Live(pieces) => {
                let frames = pieces.map(|piece| Ok(http_body::Frame::data(piece)));
                Answered::Live(response(status, content_type, headers, StreamBody::new(frames).boxed_unsync()))
            }
            ReplyBody::Whole(bytes) => {
                let body = match String::from_utf8(bytes.to_vec()) {
                    Ok(text) if text.is_empty() => Body::Empty,
                    Ok(text) => Body::Text(text),
                    Err(error) => Body::Binary(error.into_bytes()),
                };
                Answered::Whole(response(status, content_type, headers, body))
            }
        }
    }
}

fn response<B>(
    status: StatusCode,
    content_type: HeaderValue,
    own: Vec<(HeaderName, HeaderValue)>,
    body: B,
) -> Response<B> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(http::header::CONTENT_TYPE, content_type);
    for (name, value) in SECURITY_HEADERS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    for (name, value) in own {
        headers.insert(name, value);
    }
    response
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
