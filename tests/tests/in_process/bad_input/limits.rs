//! Too much of it: bodies and headers.

use serde_json::Value;
use tests::Cast;
use tests::api::{Request, assert_same, message};

use super::refusal::{assert_no_fault, assert_refused, request, send};

const LIMIT: usize = platform::http::MAX_BODY;

#[tokio::test]
async fn a_body_over_its_limit_is_refused_by_every_route() {
    let cast = Cast::new().await;
    let before = cast.world.table().await;
    let refused = async |request: &Request, body: &[u8]| {
        let answer = send(&cast, request, &[], body).await;
        assert_refused(&answer, request.key);
        assert_eq!((answer.status, answer.code()), (413, "too_large"), "{}", request.key);
    };
    for request in cast.requests(&cast.own.id) {
        // Results of long turns may be four times as large as anything else.
        let large = request.key.ends_with("/result") || request.key.ends_with("/ack");
        let times = if large { 5 } else { 2 };
        refused(&request, &vec![b'a'; times * LIMIT]).await;
    }
    let beat = request(&cast, "POST /registry/heartbeat");
    let padded = format!("{}{}", beat.body, " ".repeat(LIMIT + 1 - beat.body.to_string().len()));
    for body in [vec![0xff; 2 * LIMIT], vec![b'['; LIMIT + 1], padded.into_bytes()] {
        refused(&beat, &body).await;
    }
    assert_same(&before, &cast.world.table().await, "it");
}

#[tokio::test]
async fn a_body_of_a_mebibyte_is_read() {
    let cast = Cast::new().await;
    for key in ["POST /registry/heartbeat", "POST /registry/check-access", "POST /registry/update-card"] {
        let request = request(&cast, key);
        let valid = request.body.to_string();
        let padded = format!("{}{valid}", " ".repeat(LIMIT - valid.len()));
        send(&cast, &request, &[], padded.as_bytes()).await.expect(200);
    }
    let send_request = request(&cast, "POST /workspaces/{id}/a2a");
    let mut large = message("large");
    let rest = LIMIT - large.to_string().len();
    large["params"]["message"]["parts"][0]["text"] = "x".repeat(rest + 2).into();
    assert_eq!(large.to_string().len(), LIMIT);
    send(&cast, &send_request, &[], large.to_string().as_bytes()).await.expect(202);
}

#[tokio::test]
async fn more_than_a_mebibyte_once_wrapped_is_refused() {
    let cast = Cast::new().await;
    let bare = |text: usize| format!(r#"{{"message":{{"parts":[{{"text":"{}"}}]}}}}"#, "x".repeat(text));
    let request = request(&cast, "POST /workspaces/{id}/a2a");
    let before = cast.world.table().await;
    let body = bare(LIMIT - bare(0).len());
    let answer = send(&cast, &request, &[], body.as_bytes()).await;
    assert_refused(&answer, "wrapped");
    assert_eq!((answer.status, answer.code()), (413, "too_large"));
    assert_same(&before, &cast.world.table().await, "it");
}

#[tokio::test]
async fn many_fields_take_no_longer() {
    let cast = Cast::new().await;
    let many: String = (0..70_000).map(|n| format!("\"k{n}\":0,")).collect();
    let same: String = "\"name\":0,".repeat(100_000);
    for fields in [many, same] {
        for request in super::refusal::with_bodies(&cast) {
            let body = format!("{{{fields}\"z\":1}}");
            assert!(body.len() <= LIMIT);
            assert_no_fault(&send(&cast, &request, &[], body.as_bytes()).await, request.key);
        }
    }
}

#[tokio::test]
async fn headers_of_any_length_are_no_fault() {
    let cast = Cast::new().await;
    let long = "a".repeat(60_000);
    let digits = "9".repeat(60_000);
    for key in [
        "GET /workspaces/{id}",
        "POST /workspaces",
        "GET /registry/discover/{id}",
        "POST /registry/register",
        "POST /registry/heartbeat",
        "POST /workspaces/{id}/a2a",
        "GET /org/tokens",
    ] {
        let request = request(&cast, key);
        for name in [
            "x-anything",
            "user-agent",
            "cookie",
            "content-type",
            "accept",
            "x-forwarded-for",
            "origin",
            "idempotency-key",
            "a2a-version",
            "x-timeout",
            "x-priority",
            "x-deadline",
            "x-workspace-id",
            "authorization",
        ] {
            for value in [&long, &digits] {
                let answer = send(&cast, &request, &[(name, value)], &request.bytes()).await;
                assert_no_fault(&answer, &format!("{} with a long {name}", request.key));
            }
        }
    }
}

#[tokio::test]
async fn the_headers_of_a_message_have_forms() {
    let cast = Cast::new().await;
    let request = request(&cast, "POST /workspaces/{id}/a2a");
    let before = cast.world.table().await;
    for (name, value, status) in [
        ("x-priority", "urgent", 400),
        ("x-priority", "99", 400),
        ("x-deadline", "tomorrow", 400),
        ("x-deadline", "1767225600", 400),
        ("x-deadline", "2025-12-31T23:59:59Z", 422),
        ("x-timeout", "soon", 400),
        ("x-timeout", "-1", 400),
        ("x-timeout", "1.5", 400),
        ("x-timeout", "NaN", 400),
        ("x-timeout", "99999999999999999999", 400),
        ("a2a-version", "12345678901234567", 400),
        ("idempotency-key", &"k".repeat(257), 400),
    ] {
        let answer = send(&cast, &request, &[(name, value)], &request.bytes()).await;
        assert_refused(&answer, &format!("{name}: {value}"));
        assert_eq!(answer.status, status, "{name}: {value}: {}", answer.text);
    }
    assert_same(&before, &cast.world.table().await, "it");
    for (number, (name, value)) in [
        ("x-timeout", "18446744073709551615"),
        ("x-timeout", "0"),
        ("x-priority", "100"),
        ("x-priority", "critical"),
        ("a2a-version", "1.0"),
        ("x-deadline", "9999-12-31T23:59:59Z"),
        ("x-timeout", ""),
        ("a2a-version", ""),
    ]
    .into_iter()
    .enumerate()
    {
        let body = message(&format!("m{number}")).to_string();
        let answer = send(&cast, &request, &[(name, value)], body.as_bytes()).await;
        // Whoever names a version gets a task.
        let expected = if name == "a2a-version" && !value.is_empty() { 200 } else { 202 };
        assert_eq!(answer.status, expected, "{name}: {value}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_body_where_none_is_read_does_no_harm() {
    let cast = Cast::new().await;
    for request in cast
        .requests(&cast.own.id)
        .into_iter()
        .filter(|request| request.method() == "GET" && request.key != "GET /metrics")
    {
        for body in [&b"{"[..], b"\xff\xfe", b"null", b"[]"] {
            let answer = send(&cast, &request, &[], body).await;
            assert_eq!((answer.status, answer.body == Value::Null), (request.served(), false), "{}", request.key);
        }
    }
}
