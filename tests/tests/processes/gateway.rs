//! What the gateway answers by itself: CORS, and requests that no function should see.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tests::Answer;
use tests::process::{BOUND, Home, Platform};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const PAGE: &str = "http://localhost:3000";

async fn preflight(platform: &Platform, origin: &str, path: &str) -> Answer {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "PATCH"),
        ("access-control-request-headers", "authorization,content-type"),
    ];
    platform.request("OPTIONS", path, &headers, &Value::Null).await.unwrap()
}

#[tokio::test]
async fn a_preflight_is_answered_for_the_pages_that_may_call() {
    let home = Home::new(&[("CORS_ORIGINS", &format!("{PAGE},https://canvas.example"))]);
    let platform = home.start().await;
    for origin in [PAGE, "https://canvas.example"] {
        let answer = preflight(&platform, origin, "/workspaces/x").await.expect(204);
        assert_eq!(answer.headers["access-control-allow-origin"], origin);
        let methods = &answer.headers["access-control-allow-methods"];
        assert!(methods == "*" || methods.contains("PATCH"), "{methods}");
        let allowed = answer.headers["access-control-allow-headers"].to_lowercase();
        for header in ["authorization", "content-type", "x-workspace-id"] {
            assert!(allowed.contains(header), "{header} is not in {allowed}");
        }
        assert!(answer.headers["access-control-max-age"].parse::<u32>().unwrap() > 0);
        assert_eq!(answer.text, "");
    }
    let stranger = preflight(&platform, "https://evil.example", "/workspaces").await;
    assert!(!stranger.headers.keys().any(|name| name.starts_with("access-control-")), "{:?}", stranger.headers);

    // The answers themselves, errors among them, may be read by these pages and no others.
    for (origin, readable) in [(PAGE, true), ("https://evil.example", false)] {
        for path in ["/health", "/nowhere", "/workspaces"] {
            let answer = platform.request("GET", path, &[("origin", origin)], &Value::Null).await.unwrap();
            assert_eq!(answer.headers.contains_key("access-control-allow-origin"), readable, "{path} for {origin}");
            assert!(answer.headers["vary"].to_lowercase().contains("origin"), "{path} for {origin}");
        }
    }
}

#[track_caller]
fn check(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{}", answer.text);
    assert_eq!(answer.code(), code);
    assert!(!answer.body["error"].as_str().unwrap().is_empty());
    assert!(answer.headers["content-type"].starts_with("application/json"));
}

#[tokio::test]
async fn what_fits_no_route_or_limit_is_refused_in_json() {
    let home = Home::new(&[]);
    let platform = home.start().await;
    let empty = Value::Null;
    check(&platform.call("GET", "/nowhere", None, &empty).await, 404, "no_route");
    check(&platform.call("GET", "/", None, &empty).await, 404, "no_route");
    let wrong = platform.call("PUT", "/workspaces", None, &json!({})).await;
    check(&wrong, 405, "method_not_allowed");
    assert!(wrong.headers["allow"].contains("POST") && wrong.headers["allow"].contains("GET"));

    let long = "x".repeat(20_000);
    check(&platform.request("GET", "/health", &[("x-long", &long)], &empty).await.unwrap(), 431, "headers_too_large");

    // More than a function takes, and more than API Gateway takes.
    let (alice, bob) = (platform.external("alice").await, platform.external("bob").await);
    let large = tests::process::message(&"x".repeat(1024 * 1024), None);
    check(&platform.send(&alice, &bob.id, &large).await, 413, "too_large");
    let answer =
        raw(&platform, "POST /workspaces HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20000000\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("\"code\":\"too_large\"") && answer.contains("\"error\":\""), "{answer}");
    platform.call("GET", "/health", None, &empty).await.expect(200);
}

/// A path that is decoded on its way is none of the template's, or another one's.
#[tokio::test]
async fn the_route_is_the_one_that_the_gateway_chose() {
    let home = Home::new(&[]);
    let platform = home.start().await;
    let id = platform.external("alice").await.id;
    for path in ["/events/%3F%3A".to_owned(), format!("/events/{id}%2F"), format!("/workspaces/{id}%2Fmemories")] {
        check(&platform.call("GET", &path, None, &Value::Null).await, 400, "invalid_id");
    }
}

/// Sends bytes as they are, and reads until the platform closes the connection.
async fn raw(platform: &Platform, request: &str) -> String {
    let address: SocketAddr = platform.url.strip_prefix("http://").unwrap().parse().unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(BOUND, stream.read_to_end(&mut answer)).await.expect("an end within the bound").unwrap();
    String::from_utf8(answer).unwrap()
}
