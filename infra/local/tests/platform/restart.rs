//! Data directories: what outlasts a platform, and that there is one platform at a time.

use local::{Data, Options, StartError};
use reqwest::{Client, StatusCode};
use serde_json::Value;

fn options(directory: &std::path::Path) -> Options {
    Options { data: Data::Directory(directory.join("data")), ..Options::memory() }
}

#[tokio::test]
async fn data_and_the_admin_token_outlast_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let client = Client::new();
    let first = local::start(options(directory.path())).await.unwrap();
    let token = first.admin_token().to_owned();
    let created = client
        .post(format!("{}/workspaces", first.base_url()))
        .bearer_auth(&token)
        .json(&serde_json::json!({"name": "kept"}))
        .send()
        .await
        .unwrap();
    let id = created.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned();
    first.stop().await;

    let second = local::start(options(directory.path())).await.unwrap();
    let read = client.get(format!("{}/workspaces/{id}", second.base_url())).bearer_auth(&token).send().await.unwrap();
    assert_eq!(read.status(), StatusCode::OK);
    assert_eq!(read.json::<Value>().await.unwrap()["name"], "kept");
    second.stop().await;
}

#[tokio::test]
async fn a_second_platform_on_the_same_data_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let first = local::start(options(directory.path())).await.unwrap();
    let error = local::start(options(directory.path())).await.unwrap_err();
    assert!(matches!(error, StartError::DataInUse { .. }), "{error}");
    first.stop().await;
    local::start(options(directory.path())).await.unwrap().stop().await;
}

#[tokio::test]
async fn a_failed_start_frees_what_it_had() {
    let directory = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = local::start(Options { port, ..options(directory.path()) }).await.unwrap_err();
    assert!(matches!(error, StartError::PortInUse(_)), "{error}");
    local::start(options(directory.path())).await.unwrap().stop().await;
}
