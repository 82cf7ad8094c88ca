//! Reading a request within API Gateway's limits.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::request::Parts;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};

use super::refusal::Refusal;

/// API Gateway's limit of a body, in bytes. The functions have a lower one of their own.
pub(super) const MAX_BODY: usize = 10 * 1024 * 1024;
/// API Gateway's limit of the request line and the headers together, in bytes.
pub(super) const MAX_HEAD: usize = 10_240;
/// How long the whole body may take.
const SLOWEST: Duration = Duration::from_secs(30);

/// Refuses a head over the limit.
pub(super) fn check_head(parts: &Parts) -> Result<(), Refusal> {
    let line = parts.method.as_str().len() + parts.uri.path().len() + parts.uri.query().map_or(0, str::len);
    let headers: usize = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if line + headers > MAX_HEAD { Err(Refusal::HeadersTooLarge) } else { Ok(()) }
}

/// The body, complete.
pub(super) async fn read(body: Incoming) -> Result<Bytes, Refusal> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    if body.size_hint().lower() > MAX_BODY as u64 {
        return Err(Refusal::BodyTooLarge);
    }
    tokio::time::timeout(SLOWEST, collect(body)).await.unwrap_or(Err(Refusal::BodyTimeout))
}

async fn collect(mut body: Incoming) -> Result<Bytes, Refusal> {
    // Most bodies are one frame; those are not copied.
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Refusal::BodyBroken)?.into_data() else { continue };
        if first.len() + all.len() + data.len() > MAX_BODY {
            return Err(Refusal::BodyTooLarge);
        }
        if first.is_empty() && all.is_empty() {
            first = data;
            continue;
        }
        if !first.is_empty() {
            all.reserve(first.len() + data.len());
            all.extend_from_slice(&std::mem::take(&mut first));
        }
        all.extend_from_slice(&data);
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}
