//! What the gateway does before and after a function.

use std::time::Duration;

use local::{Options, Running};
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn platform() -> Running {
    local::start(Options::memory()).await.unwrap()
}

async fn code(response: Response) -> (StatusCode, String) {
    let status = response.status();
    let body: Value = response.json().await.unwrap();
    assert!(body["error"].as_str().is_some_and(|error| !error.is_empty()), "{body}");
    (status, body["code"].as_str().unwrap_or_default().to_owned())
}

/// Sends bytes as they are and reads until the other side closes.
async fn raw(running: &Running, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(running.address()).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await;
    read.expect("the connection is closed").unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn requests_reach_their_functions_and_answers_come_back() {
    let running = platform().await;
    let health = Client::new().get(format!("{}/health", running.base_url())).send().await.unwrap();
    assert_eq!(health.status(), StatusCode::OK);
    assert_eq!(health.headers()["content-type"], "application/json");
    assert!(health.headers().contains_key("apigw-requestid"));
    running.stop().await;
}

#[tokio::test]
async fn a_workspace_that_was_created_can_be_read() {
    let running = platform().await;
    let client = Client::new();
    let created = client
        .post(format!("{}/workspaces", running.base_url()))
        .bearer_auth(running.admin_token())
        .json(&serde_json::json!({"name": "first"}))
        .send()
        .await
        .unwrap();
    assert_eq!(created.status(), StatusCode::CREATED);
    let created: Value = created.json().await.unwrap();
    let read = client
        .get(format!("{}/workspaces/{}", running.base_url(), created["id"].as_str().unwrap()))
        .bearer_auth(running.admin_token())
        .send()
        .await
        .unwrap();
    let read: Value = read.json().await.unwrap();
    assert_eq!(read["name"], "first");
    running.stop().await;
}

#[tokio::test]
async fn an_unknown_path_is_404_and_an_unknown_method_405() {
    let running = platform().await;
    let client = Client::new();
    let base = running.base_url();
    let unknown = client.get(format!("{base}/nowhere")).send().await.unwrap();
    assert_eq!(code(unknown).await, (StatusCode::NOT_FOUND, "no_route".into()));
    let slash = client.get(format!("{base}/health/")).send().await.unwrap();
    assert_eq!(code(slash).await, (StatusCode::NOT_FOUND, "no_route".into()));
    let method = client.delete(format!("{base}/workspaces")).send().await.unwrap();
    let mut allowed: Vec<_> = method.headers()["allow"].to_str().unwrap().split(", ").collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "POST"]);
    assert_eq!(code(method).await, (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed".into()));
    running.stop().await;
}

#[tokio::test]
async fn the_gateways_limits_are_those_of_api_gateway() {
    let running = platform().await;
    let client = Client::new();
    let url = format!("{}/workspaces", running.base_url());

    let large = client.get(&url).header("x-large", "x".repeat(10_240)).send().await.unwrap();
    assert_eq!(code(large).await, (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "headers_too_large".into()));
    let function_limit = client.post(&url).body(vec![b' '; 2 * 1024 * 1024]).send().await.unwrap();
    assert_eq!(code(function_limit).await, (StatusCode::PAYLOAD_TOO_LARGE, "too_large".into()));

    let head = "POST /workspaces HTTP/1.1\r\nHost: localhost\r\n";
    let announced = raw(&running, format!("{head}Content-Length: 10485761\r\n\r\n").as_bytes()).await;
    assert!(announced.starts_with("HTTP/1.1 413 "), "{announced}");
    let malformed = raw(&running, b"GET /health HTTP/1.1\r\nHost: 256.256.256.256\r\nConnection: close\r\n\r\n").await;
    assert!(malformed.starts_with("HTTP/1.1 400 ") && malformed.contains("invalid_host"), "{malformed}");
    let cut = raw(&running, b"GET /health HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n").await;
    assert!(cut.starts_with("HTTP/1.1 400 "), "{cut}");
    let garbage = raw(&running, b"\x16\x03\x01\r\n\r\n").await;
    assert!(garbage.starts_with("HTTP/1.1 400 "), "{garbage}");

    let after = client.get(format!("{}/health", running.base_url())).send().await.unwrap();
    assert_eq!(after.status(), StatusCode::OK);
    running.stop().await;
}

#[tokio::test]
async fn a_body_in_chunks_over_the_limit_is_refused_without_being_kept() {
    let running = platform().await;
    let mut stream = TcpStream::connect(running.address()).await.unwrap();
    stream
        .write_all(b"POST /workspaces HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await
        .unwrap();
    let chunk = [b"100000\r\n".as_slice(), &vec![b' '; 1024 * 1024], b"\r\n"].concat();
    for _ in 0..11 {
        // The gateway may close as soon as it has seen enough.
        if stream.write_all(&chunk).await.is_err() {
            break;
        }
    }
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
    running.stop().await;
}

#[tokio::test]
async fn pages_of_the_allowed_origins_may_call_and_others_may_not() {
    let running = platform().await;
    let client = Client::new();
    let preflight = |origin: &'static str| {
        client
            .request(Method::OPTIONS, format!("{}/workspaces", running.base_url()))
            .header("Origin", origin)
            .header("Access-Control-Request-Method", "POST")
            .send()
    };
    let known = preflight("http://localhost:3000").await.unwrap();
    assert_eq!(known.status(), StatusCode::NO_CONTENT);
    assert_eq!(known.headers()["access-control-allow-origin"], "http://localhost:3000");
    assert_eq!(known.headers()["access-control-allow-methods"], "GET,POST,PUT,PATCH,DELETE,OPTIONS");
    assert_eq!(known.headers()["access-control-allow-credentials"], "true");
    let other = preflight("http://evil.example").await.unwrap();
    assert!(!other.headers().contains_key("access-control-allow-origin"));

    let refused =
        client.get(format!("{}/workspaces", running.base_url())).header("Origin", "http://localhost:3000").send();
    let refused = refused.await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED, "a page is not the operator");
    assert_eq!(refused.headers()["access-control-allow-origin"], "http://localhost:3000");
    running.stop().await;
}

#[tokio::test]
async fn requests_are_counted_by_route() {
    let running = platform().await;
    let client = Client::new();
    let base = running.base_url();
    client.get(format!("{base}/events/none")).bearer_auth("wrong").send().await.unwrap();
    client.get(format!("{base}/nowhere")).send().await.unwrap();
    let text = platform::telemetry::render_metrics().unwrap();
    let line = r#"molecule_http_requests_total{method="GET",path="/events/{id}",status="401"}"#;
    assert!(text.contains(line), "{text}");
    assert!(text.contains(r#"molecule_http_requests_total{method="",path="unmatched",status="404"}"#), "{text}");
    assert!(text.contains("# TYPE molecule_http_request_duration_seconds_total counter"), "{text}");
    running.stop().await;
}

#[tokio::test]
async fn a_request_under_way_is_answered_at_the_stop() {
    let running = platform().await;
    let address = running.address();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = b"POST /workspaces HTTP/1.1\r\nHost: localhost\r\nContent-Length: 14\r\n\r\n";
    stream.write_all(head).await.unwrap();
    // The head has arrived once a later request on another connection is answered.
    reqwest::get(format!("http://{address}/health")).await.unwrap();
    let stopping = tokio::spawn(running.stop());
    while TcpStream::connect(address).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stream.write_all(br#"{"name":"abc"}"#).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    stopping.await.unwrap();
}
