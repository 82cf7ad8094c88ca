//! Faults of datastore and queues: nothing fails open, nothing is half done, and what was promised is kept.

mod accept;
mod changes;
mod dispatch;
mod every_request;
mod routes;
mod sweep;
mod tokens;

use tests::{Answer, Fault};

/// Every way in which a request can go wrong.
const FAULTS: [Fault; 4] = [Fault::Timeout, Fault::Throttle, Fault::ServerError, Fault::LostAnswer];

/// Fails the request with this number, and no other.
fn once(n: usize, fault: Fault) -> impl FnMut(&str, usize) -> Option<Fault> + Send + 'static {
    move |_, number| (number == n).then_some(fault)
}

/// Fails this request with all its retries, and no other.
fn outage(n: usize, fault: Fault) -> impl FnMut(&str, usize) -> Option<Fault> + Send + 'static {
    move |_, number| (n..n + 3).contains(&number).then_some(fault)
}

/// Fails this request and all that follow.
fn from(n: usize, fault: Fault) -> impl FnMut(&str, usize) -> Option<Fault> + Send + 'static {
    move |_, number| (number >= n).then_some(fault)
}

/// The answer of a platform that cannot do its work now.
#[track_caller]
fn unavailable(answer: &Answer, told: &str) {
    assert_eq!((answer.status, answer.code()), (503, "platform_unavailable"), "{told}: {}", answer.body);
    let after = answer.headers.get("retry-after").and_then(|seconds| seconds.parse::<u32>().ok());
    assert!(after.is_some_and(|seconds| seconds > 0), "{told}: no Retry-After");
}
