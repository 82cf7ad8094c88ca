//! `AWS_ENDPOINT_URL`: DynamoDB and SQS in another process, behind one address as LocalStack has it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::{IntoResponse, Response};
use local::aws::{Clients, Endpoints};
use local::{dynamodb, sqs};
use nix::sys::signal::Signal;
use platform::clock::SystemClock;
use tests::process::{BOUND, Home, Process, Runtime, answer_text, message};
use tokio::net::TcpListener;

use crate::hold::Hold;

/// DynamoDB and SQS, and one address for both.
struct Emulator {
    url: String,
    endpoints: Endpoints,
    _dynamodb: dynamodb::Server,
    _sqs: sqs::Server,
}

impl Emulator {
    async fn start() -> Self {
        let database = dynamodb::Database::memory(Arc::new(SystemClock)).unwrap();
        let dynamodb = dynamodb::Server::start(database).await.unwrap();
        let queues = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sqs = sqs::Server::start(queues, sqs::system_clock()).unwrap();
        let endpoints = Endpoints { dynamodb: dynamodb.endpoint().to_owned(), sqs: sqs.endpoint().to_owned() };
        let front = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", front.local_addr().unwrap());
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let router = axum::Router::new().fallback(forward).with_state((http, endpoints.clone()));
        tokio::spawn(async move { axum::serve(front, router).await });
        Self { url, endpoints, _dynamodb: dynamodb, _sqs: sqs }
    }

    /// Names of the tables and URLs of the queues.
    async fn inventory(&self) -> (Vec<String>, Vec<String>) {
        let clients = Clients::new(&self.endpoints, &HashMap::new(), platform::aws::http_client()).await;
        let tables = clients.dynamodb.list_tables().send().await.unwrap().table_names.unwrap_or_default();
        let mut queues = clients.sqs.list_queues().send().await.unwrap().queue_urls.unwrap_or_default();
        queues.sort();
        (tables, queues)
    }
}

/// The header says which service a request is for.
async fn forward(
    State((http, behind)): State<(reqwest::Client, Endpoints)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let target = headers["x-amz-target"].to_str().unwrap();
    let endpoint = if target.starts_with("AmazonSQS.") { behind.sqs } else { behind.dynamodb };
    let request = http.request(method, format!("{endpoint}{}", uri.path())).headers(headers).body(body);
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    (status, headers, answer.bytes().await.unwrap()).into_response()
}

#[tokio::test]
async fn two_starts_in_a_row_find_the_same_table_queues_and_data() {
    let emulator = Emulator::start().await;
    let home = Home::lasting(&[("AWS_ENDPOINT_URL", &emulator.url)]);
    let mut platform = home.start().await;
    let made = emulator.inventory().await;
    assert_eq!(made.0, ["molecule"]);
    assert!(made.1.len() >= 2, "dispatch, timers: {:?}", made.1);
    let (alice, bob) = (platform.external("alice").await, platform.external("bob").await);
    let with_workspaces = emulator.inventory().await;
    assert_eq!(with_workspaces.1.len(), made.1.len() + 2, "each workspace has its queue: {:?}", with_workspaces.1);
    let _bobs = Runtime::start(&platform, &bob, "tr a-z A-Z", &[]).await;
    platform.until_status(&bob.id, "online", BOUND).await;
    let answer = platform.send(&alice, &bob.id, &message("hello", None)).await.expect(200);
    assert_eq!(answer_text(&answer.body), "HELLO");
    // Nobody is there for alice: this waits through the restart.
    let queued = platform.send(&bob, &alice.id, &message("later", None)).await.expect(202);

    platform.process.signal(Signal::SIGTERM);
    assert_eq!(platform.process.ended(Duration::from_secs(10)).await.code, Some(0));
    assert!(!home.data().join("dynamodb.sqlite").exists(), "the data is elsewhere");
    let platform = home.start().await;
    assert_eq!(emulator.inventory().await, with_workspaces);
    assert_eq!(platform.show(&bob.id).await["name"], "bob");
    let answer = platform.send(&alice, &bob.id, &message("again", None)).await.expect(200);
    assert_eq!(answer_text(&answer.body), "AGAIN");
    let _alices = Runtime::start(&platform, &alice, "cat", &[]).await;
    let entry = platform.until_completed(&queued, BOUND).await;
    assert_eq!(answer_text(&entry["result"]["body"]), "later");
}

/// The pointer of what the agent had in hand is still in flight when the next platform starts, and must not hold its lane.
#[tokio::test]
async fn what_an_agent_had_in_hand_does_not_hold_a_queue_that_outlives_the_platform() {
    let emulator = Emulator::start().await;
    let home = Home::lasting(&[("AWS_ENDPOINT_URL", &emulator.url), ("A2A_SYNC_WAIT_SECONDS", "0")]);
    let mut platform = home.start().await;
    let (alice, bob) = (platform.external("alice").await, platform.external("bob").await);
    let hold = Hold::new();
    let _bobs = Runtime::start(&platform, &bob, &hold.command(), &[]).await;
    platform.until_status(&bob.id, "online", BOUND).await;
    let mut sent = Vec::new();
    for text in ["first", "second"] {
        sent.push(platform.send(&alice, &bob.id, &message(text, None)).await.expect(202));
    }
    hold.until_begun().await;
    platform.process.kill();

    let platform = home.start().await;
    hold.release();
    for queued in &sent {
        platform.until_completed(queued, BOUND).await;
    }
    assert_eq!(hold.began(), ["first", "second"], "each ran once, in order");
}

#[tokio::test]
async fn a_start_on_half_an_endpoint_names_what_is_missing() {
    let emulator = Emulator::start().await;
    for (endpoint, service) in [(&emulator.endpoints.dynamodb, "SQS"), (&emulator.endpoints.sqs, "DynamoDB")] {
        let home = Home::new(&[("AWS_ENDPOINT_URL", endpoint)]);
        let ended = Process::start(&mut home.command()).ended(BOUND).await;
        assert_eq!(ended.code, Some(1), "{}", ended.stderr);
        let line = ended.stderr.lines().last().unwrap_or_default();
        assert!(line.starts_with(&format!("error: {service} at {endpoint} ")), "{line}");
    }
}
