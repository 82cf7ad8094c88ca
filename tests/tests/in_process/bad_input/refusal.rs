//! What every refusal must be.

use std::time::Duration;

use tests::api::{Request, bearer};
use tests::{Answer, Cast};

/// No answer may take longer.
const SOON: Duration = Duration::from_secs(5);
/// Words of the house, which are nobody's business.
const INTERNAL: [&str; 18] = [
    "serde", "dynamo", "sqs", "lambda", "aws", "rust", ".rs", "src/", "panic", "unwrap", "struct ", "::", "Some(",
    "None", "Err(", "i64", "u32", "f64",
];

/// Sends a request whose body and headers may be replaced, with a token that serves.
pub(super) async fn send(cast: &Cast, request: &Request, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let authorization = bearer(cast.right(request));
    let mut all: Vec<(&str, &str)> = vec![("authorization", &authorization)];
    all.extend(request.headers.iter().map(|(name, value)| (*name, value.as_str())));
    all.extend(headers);
    let answer = cast.world.raw(request.method(), &request.path, None, &all, body);
    let beginning = String::from_utf8_lossy(&body[..body.len().min(200)]);
    tokio::time::timeout(SOON, answer).await.unwrap_or_else(|_| panic!("{} hangs on {beginning}", request.path))
}

/// A refusal, well made.
#[track_caller]
pub(super) fn assert_refused(answer: &Answer, told: &str) {
    assert!((400..500).contains(&answer.status), "{told}: {} {}", answer.status, answer.text);
    assert_well_made(answer, told);
}

/// If it is an error, it is well made; and it is none of ours.
#[track_caller]
pub(super) fn assert_no_fault(answer: &Answer, told: &str) {
    assert!(answer.status < 500, "{told}: {} {}", answer.status, answer.text);
    if answer.status >= 400 {
        assert_well_made(answer, told);
    }
}

#[track_caller]
fn assert_well_made(answer: &Answer, told: &str) {
    let told = format!("{told}: {} {}", answer.status, answer.text);
    let error = answer.body["error"].as_str().unwrap_or_else(|| panic!("{told}"));
    assert!(error.len() > 10 && error.contains(' ') && error.len() < 400, "say what happened and what to do: {told}");
    let snake = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    assert!(!answer.code().is_empty() && answer.code().chars().all(snake), "{told}");
    assert_eq!(answer.text, answer.body.to_string(), "compact JSON");
    assert_eq!(answer.headers["content-type"], "application/json", "{told}");
    assert_eq!(answer.headers["x-content-type-options"], "nosniff", "{told}");
    let internal = INTERNAL.iter().find(|word| error.contains(**word));
    assert!(internal.is_none(), "{internal:?} in {told}");
}

/// Those of the requests whose routes read a body.
pub(super) fn with_bodies(cast: &Cast) -> Vec<Request> {
    let mut requests = cast.requests(&cast.own.id);
    requests.retain(Request::takes_body);
    requests
}

/// The request to a route.
pub(super) fn request(cast: &Cast, key: &str) -> Request {
    let found = cast.requests(&cast.own.id).into_iter().find(|request| request.key == key);
    found.unwrap_or_else(|| panic!("no request to {key}"))
}

/// The request's body with `field`, a path with dots, as this JSON text, which need not be valid.
pub(super) fn with_field(request: &Request, field: &str, json: &str) -> Vec<u8> {
    const PLACE: &str = "the-place-of-the-field";
    let mut body = request.body.clone();
    let mut place = &mut body;
    for name in field.split('.') {
        place = &mut place[name];
    }
    *place = PLACE.into();
    body.to_string().replace(&format!("\"{PLACE}\""), json).into_bytes()
}
