//! DynamoDB and SQS that run elsewhere, behind one endpoint as emulators have it.

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use local::aws::Endpoints;
use local::{Data, Options, StartError};
use reqwest::{Client, StatusCode};
use serde_json::Value;
use tokio::net::TcpListener;

/// One endpoint in front of both.
async fn one_endpoint(behind: Endpoints) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let behind = behind.clone();
            let service = service_fn(move |request| forward(behind.clone(), request));
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    endpoint
}

async fn forward(behind: Endpoints, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let target = parts.headers["x-amz-target"].to_str().unwrap();
    let endpoint = if target.starts_with("AmazonSQS.") { behind.sqs } else { behind.dynamodb };
    let url = format!("{endpoint}{}", parts.uri.path());
    let body = body.collect().await.unwrap().to_bytes();
    let sent = Client::new().request(parts.method, url).headers(parts.headers).body(body).send().await.unwrap();
    let mut response = Response::new(Full::default());
    *response.status_mut() = sent.status();
    *response.headers_mut() = sent.headers().clone();
    *response.body_mut() = Full::from(sent.bytes().await.unwrap());
    Ok(response)
}

#[tokio::test]
async fn an_endpoint_elsewhere_keeps_the_data_and_is_made_ready_any_number_of_times() {
    let elsewhere = local::start(Options::memory()).await.unwrap();
    let endpoint = one_endpoint(elsewhere.endpoints().clone()).await;
    let directory = tempfile::tempdir().unwrap();
    let options = || Options {
        data: Data::Directory(directory.path().to_owned()),
        aws_endpoint: Some(endpoint.clone()),
        ..Options::memory()
    };
    let client = Client::new();

    let first = local::start(options()).await.unwrap();
    let request = client.post(format!("{}/workspaces", first.base_url())).bearer_auth(first.admin_token());
    let created = request.json(&serde_json::json!({"name": "kept"})).send().await.unwrap();
    assert_eq!(created.status(), StatusCode::CREATED);
    let id = created.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned();
    first.stop().await;
    assert!(!directory.path().join("dynamodb.sqlite").exists(), "the data is elsewhere");

    let second = local::start(options()).await.unwrap();
    let request = client.get(format!("{}/workspaces/{id}", second.base_url())).bearer_auth(second.admin_token());
    assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
    second.stop().await;
    elsewhere.stop().await;
}

#[tokio::test]
async fn a_service_that_is_missing_elsewhere_is_named() {
    let elsewhere = local::start(Options::memory()).await.unwrap();
    let endpoint = elsewhere.endpoints().dynamodb.clone();
    let error = local::start(Options { aws_endpoint: Some(endpoint), ..Options::memory() }).await.unwrap_err();
    assert!(matches!(&error, StartError::Endpoint { service: "SQS", .. }), "{error}");
    elsewhere.stop().await;
}
