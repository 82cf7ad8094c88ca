use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use http::Request;
use lambda_http::request::LambdaRequest;
use lambda_http::{Body, RequestExt};
use serde_json::{Value, json};

use super::*;

fn written(request: http::request::Builder, route: &str, body: &[u8]) -> Vec<u8> {
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let (_, path) = route.split_once(' ').unwrap();
    let mut tree = matchit::Router::new();
    tree.insert(path, ()).unwrap();
    let matched = tree.at(parts.uri.path()).unwrap();
    let of = Circumstances {
        route_key: route,
        params: &matched.params,
        peer: "127.0.0.1:50000".parse().unwrap(),
        request_id: "8a3a2c1e-0000-4000-8000-000000000000",
        now: rules::Timestamp::from_millis(1_700_000_000_123),
    };
    write(&parts, body, of).unwrap()
}

#[test]
fn a_request_with_query_cookies_and_a_text_body_is_as_api_gateway_writes_it() {
    let request = Request::post("/workspaces/a%20b/a2a?wait=5&tag=x&tag=y%26z&empty=")
        .header("Host", "127.0.0.1:8080")
        .header("User-Agent", "agent/1.0")
        .header("X-Many", "one")
        .header("X-Many", "two")
        .header("Cookie", "session=1; theme=dark")
        .header("Cookie", "third=3")
        .header("Connection", "keep-alive")
        .header("Transfer-Encoding", "chunked")
        .header("Authorization", "Bearer t");
    let json = written(request, "POST /workspaces/{id}/a2a", "{\"text\":\"grüß\"}".as_bytes());
    assert_eq!(
        serde_json::from_slice::<Value>(&json).unwrap(),
        json!({
            "version": "2.0",
            "routeKey": "POST /workspaces/{id}/a2a",
            "rawPath": "/workspaces/a b/a2a",
            "rawQueryString": "wait=5&tag=x&tag=y%26z&empty=",
            "cookies": ["session=1", "theme=dark", "third=3"],
            "headers": {
                "host": "127.0.0.1:8080",
                "user-agent": "agent/1.0",
                "x-many": "one,two",
                "authorization": "Bearer t",
            },
            "queryStringParameters": {"wait": "5", "tag": "x,y&z", "empty": ""},
            "pathParameters": {"id": "a b"},
            "requestContext": {
                "accountId": "000000000000",
                "apiId": "local",
                "domainName": "127.0.0.1:8080",
                "domainPrefix": "127",
                "http": {
                    "method": "POST",
                    "path": "/workspaces/a b/a2a",
                    "protocol": "HTTP/1.1",
                    "sourceIp": "127.0.0.1",
                    "userAgent": "agent/1.0",
                },
                "requestId": "8a3a2c1e-0000-4000-8000-000000000000",
                "routeKey": "POST /workspaces/{id}/a2a",
                "stage": "$default",
                "time": "14/Nov/2023:22:13:20 +0000",
                "timeEpoch": 1_700_000_000_123_i64,
            },
            "body": "{\"text\":\"grüß\"}",
            "isBase64Encoded": false,
        })
    );
}

#[test]
fn a_bare_request_leaves_out_what_it_has_not() {
    let json = written(Request::get("/health"), "GET /health", b"");
    let value: Value = serde_json::from_slice(&json).unwrap();
    for absent in ["cookies", "queryStringParameters", "pathParameters", "body"] {
        assert!(value.get(absent).is_none(), "{absent}");
    }
    assert_eq!(value["isBase64Encoded"], false);
    assert_eq!(value["rawQueryString"], "");
}

#[test]
fn a_body_that_is_not_utf_8_is_base64() {
    let json = written(Request::post("/x"), "POST /x", &[0xff, 0xfe]);
    let value: Value = serde_json::from_slice(&json).unwrap();
    assert_eq!((value["body"].as_str(), value["isBase64Encoded"].as_bool()), (Some("//4="), Some(true)));
}

#[test]
fn lambda_reads_it_as_its_own_event() {
    let request = Request::patch("/things/7?a=1")
        .header("Host", "localhost:8080")
        .header("Cookie", "c=1")
        .header("Idempotency-Key", "k");
    let json = written(request, "PATCH /things/{id}", &[0xff, 0x00]);
    let typed: ApiGatewayV2httpRequest = serde_json::from_slice(&json).unwrap();
    assert_eq!(typed.route_key.as_deref(), Some("PATCH /things/{id}"));
    assert_eq!(typed.path_parameters["id"], "7");
    assert_eq!(typed.query_string_parameters.first("a"), Some("1"));

    let event: LambdaRequest = serde_json::from_slice(&json).unwrap();
    let request: lambda_http::Request = event.into();
    assert_eq!(request.method(), "PATCH");
    assert_eq!(request.uri(), "https://localhost:8080/things/7?a=1");
    assert_eq!(request.headers()["cookie"], "c=1");
    assert_eq!(request.headers()["idempotency-key"], "k");
    assert_eq!(request.path_parameters().first("id"), Some("7"));
    assert_eq!(request.body(), &Body::Binary(vec![0xff, 0x00]));
}

#[test]
fn a_header_that_no_event_can_hold_does_not_stop_the_request() {
    let greeting = http::HeaderValue::from_bytes("grüße\u{2028}".as_bytes()).unwrap();
    let request = Request::get("/health")
        .header("Host", "127.0.0.1:8080")
        .header("X-Greeting", greeting)
        .header("X-Latin", http::HeaderValue::from_bytes(b"\xe9t\xe9").unwrap())
        .header("X-Forwarded-Proto", "http://elsewhere/admin/liveness?");
    let json = written(request, "GET /health", b"");
    let LambdaRequest::ApiGatewayV2(_) = serde_json::from_slice(&json).unwrap() else { panic!("another event") };
    let request = http::Request::<Body>::from(serde_json::from_slice::<LambdaRequest>(&json).unwrap());
    assert_eq!(request.uri().path(), "/health");
    assert_eq!(request.headers()["x-greeting"], "gr??e?");
    assert_eq!(request.headers()["x-latin"], "?t?");
    assert!(request.headers().contains_key("x-forwarded-proto"));
}

#[test]
fn no_byte_in_a_path_keeps_lambda_from_reading_it() {
    for byte in 0..=u8::MAX {
        let request = Request::get(format!("/things/a%{byte:02X}b?q=1")).header("Host", "localhost:8080");
        let event: LambdaRequest = serde_json::from_slice(&written(request, "GET /things/{id}", b"")).unwrap();
        let request: lambda_http::Request = event.into();
        assert!(request.uri().path().starts_with("/things/"), "{byte:02X}: {}", request.uri());
        assert_eq!(request.query_string_parameters().first("q"), Some("1"), "{byte:02X}");
    }
}
