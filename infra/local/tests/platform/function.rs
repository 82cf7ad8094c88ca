//! What the gateway makes of functions that fail, hang or answer strangely, and of clients that do not wait.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use local::gateway::{Api, Gateway, Routes, listen};
use local::handler::Handler;
use local::registry::Registry;
use local::template::Template;
use local::{Options, Running};
use platform::{Reply, Router};
use reqwest::{Client, StatusCode};
use serde_json::Value;
use tokio::sync::Notify;

const TEMPLATE: &str = "
Resources:
  Function:
    Type: AWS::Serverless::Function
    Metadata: {BuildProperties: {Binary: f}}
    Properties:
      Timeout: 1
      Events:
        E: {Type: HttpApi, Properties: {Method: POST, Path: '/f/{id}'}}
";

/// A gateway with one route, `POST /f/{id}`, and a platform for its function to run on.
async fn serve(router: Router) -> (Running, Gateway, String) {
    let running = local::start(Options::memory()).await.unwrap();
    let template = Template::read(TEMPLATE, &HashMap::new()).unwrap();
    let registry = Registry::bind(&template, vec![("f", Handler::http(router))]).unwrap();
    let api = Api::new(Routes::new(&registry.routes).unwrap(), &template.cors, running.platform().clone());
    let gateway = Gateway::start(listen(0).unwrap(), Arc::new(api)).unwrap();
    let url = format!("http://{}/f/7", gateway.address());
    (running, gateway, url)
}

#[tokio::test]
async fn a_call_and_its_reply_go_through_unchanged() {
    let router = Router::new().route("POST /f/{id}", |_, call| async move {
        assert_eq!(call.param("id"), "7");
        assert_eq!(call.query["q"], "a b");
        assert!(call.source.unwrap().is_loopback());
        assert!(!call.request_id.is_empty());
        Ok(Reply::raw(StatusCode::ACCEPTED, "application/octet-stream", call.body).header("location", "/f/8"))
    });
    let (running, gateway, url) = serve(router).await;
    for body in [&b""[..], "grüß\n\"x\"".as_bytes(), &[0, 0xff, 0xfe]] {
        let answer = Client::new().post(format!("{url}?q=a+b")).body(body.to_vec()).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
        assert_eq!(answer.headers()["location"], "/f/8");
        assert_eq!(answer.headers()["content-type"], "application/octet-stream");
        assert_eq!(answer.bytes().await.unwrap(), body);
    }
    gateway.stop(Duration::from_secs(1)).await;
    running.stop().await;
}

#[tokio::test]
async fn a_panic_is_500_and_harms_no_other_request() {
    let router = Router::new().route("POST /f/{id}", |_, call| async move {
        assert!(call.body.is_empty(), "a panic, as asked for");
        Ok(Reply::ok(&()))
    });
    let (running, _gateway, url) = serve(router).await;
    let client = Client::new();
    let panicked = client.post(&url).body("panic").send().await.unwrap();
    assert_eq!(panicked.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(panicked.json::<Value>().await.unwrap()["code"], "internal_error");
    assert_eq!(client.post(&url).send().await.unwrap().status(), StatusCode::OK);
    running.stop().await;
}

#[tokio::test]
async fn a_function_is_stopped_at_its_timeout() {
    let router = Router::new().route("POST /f/{id}", |_, _| std::future::pending());
    let (running, _gateway, url) = serve(router).await;
    let answer = Client::new().post(&url).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.json::<Value>().await.unwrap()["code"], "function_timeout");
    running.stop().await;
}

#[tokio::test]
async fn a_client_that_hangs_up_leaves_no_request_half_done() {
    let (reached, go, done) = (Arc::new(Notify::new()), Arc::new(Notify::new()), Arc::new(Notify::new()));
    let parts = (Arc::clone(&reached), Arc::clone(&go), Arc::clone(&done));
    let router = Router::new().route("POST /f/{id}", move |_, _| {
        let (reached, go, done) = parts.clone();
        async move {
            reached.notify_one();
            go.notified().await;
            done.notify_one();
            Ok(Reply::ok(&()))
        }
    });
    let (running, _gateway, url) = serve(router).await;
    let request = tokio::spawn(Client::new().post(&url).send());
    reached.notified().await;
    request.abort();
    assert!(request.await.unwrap_err().is_cancelled());
    go.notify_one();
    tokio::time::timeout(Duration::from_secs(5), done.notified()).await.unwrap();
    running.stop().await;
}

#[tokio::test]
async fn hundreds_of_connections_are_served_at_once() {
    const MANY: usize = 300;
    let (waiting, all) = (Arc::new(AtomicUsize::new(0)), Arc::new(tokio::sync::Barrier::new(MANY)));
    let parts = (Arc::clone(&waiting), all);
    let router = Router::new().route("POST /f/{id}", move |_, _| {
        let (waiting, all) = parts.clone();
        async move {
            waiting.fetch_add(1, Ordering::SeqCst);
            all.wait().await;
            Ok(Reply::ok(&()))
        }
    });
    let (running, _gateway, url) = serve(router).await;
    let client = Client::new();
    let requests = (0..MANY).map(|_| client.post(&url).send());
    for answer in futures::future::join_all(requests).await {
        assert_eq!(answer.unwrap().status(), StatusCode::OK);
    }
    assert_eq!(waiting.load(Ordering::SeqCst), MANY);
    running.stop().await;
}
