use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

use crate::{
    agent::{Agent, Gate, TOKEN, WORKSPACE, message},
    platform::{HEARTBEAT, Platform, Recorded, Reply},
};

const QUEUE_ID: &str = "0d9f6c1e-55a7-4c4b-8d3c-2f1f4f9a7b10";

fn result_path() -> String {
    format!("/workspaces/{WORKSPACE}/a2a/queue/{QUEUE_ID}/result")
}

/// A message as the platform delivers it.
fn delivery(agent: &Agent, id: &str, wait: u64, epoch: u64) -> RequestBuilder {
    agent
        .post(&message(id, "x"))
        .header("prefer", format!("respond-async, wait={wait}"))
        .header("x-molecule-queue-id", QUEUE_ID)
        .header("x-molecule-slot-epoch", epoch.to_string())
}

async fn assert_accepted(response: Response) {
    assert_eq!(response.status(), 202);
    assert_eq!(response.headers()["preference-applied"], "respond-async");
    assert_eq!(response.json::<Value>().await.unwrap(), json!({"status": "accepted"}));
}

async fn until_idle_again(platform: &Platform, after: &Recorded) {
    let sent = after.body["sent_at_ms"].as_u64().unwrap();
    platform
        .wait_for(HEARTBEAT, "nothing in hand", |beat| {
            beat.body["active_tasks"] == 0 && beat.body["sent_at_ms"].as_u64().unwrap() >= sent
        })
        .await;
}

#[tokio::test]
async fn a_long_turn_is_accepted_and_its_result_posted() {
    let platform = Platform::start().await;
    let gate = Gate::new();
    let agent = Agent::start_registered(&platform, &format!("{}; echo late", gate.wait()), &[]).await;
    assert_accepted(delivery(&agent, "m1", 0, 41).send().await.unwrap()).await;
    let busy = platform.wait_for(HEARTBEAT, "an active task", |beat| beat.body["active_tasks"] == 1).await;
    assert!(platform.all(&result_path()).is_empty());
    gate.open();
    let posted = platform.wait_for(&result_path(), "a result", |_| true).await;
    assert_eq!(posted.bearer.as_deref(), Some(TOKEN));
    assert_eq!(posted.body["slot_epoch"], 41);
    assert_eq!(posted.body["status"], 200);
    assert_eq!(posted.body["body"]["id"], "r1");
    assert_eq!(posted.body["body"]["result"]["parts"][0]["text"], "late");
    until_idle_again(&platform, &busy).await;
}

#[tokio::test]
async fn answer_within_bounds_the_wait_that_the_platform_offers() {
    let platform = Platform::start().await;
    let gate = Gate::new();
    let agent = Agent::start_registered(&platform, &gate.wait(), &["--answer-within", "0.05"]).await;
    assert_accepted(delivery(&agent, "m1", 9999, 1).send().await.unwrap()).await;
}

#[tokio::test]
async fn a_short_turn_is_answered_at_once() {
    let platform = Platform::start().await;
    let agent = Agent::start_registered(&platform, "echo quick", &[]).await;
    let response = delivery(&agent, "m1", 30, 1).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let response: Value = response.json().await.unwrap();
    assert_eq!(response["result"]["parts"][0]["text"], "quick");
    assert!(platform.all(&result_path()).is_empty());
}

#[tokio::test]
async fn without_a_place_for_the_result_the_connection_is_held() {
    let platform = Platform::start().await;
    let gate = Gate::new();
    let agent = Agent::start_registered(&platform, &gate.wait(), &[]).await;
    let request = agent.post(&message("m1", "x")).header("prefer", "respond-async, wait=0");
    let held = tokio::spawn(request.send());
    platform.wait_for(HEARTBEAT, "an active task", |beat| beat.body["active_tasks"] == 1).await;
    gate.open();
    assert_eq!(held.await.unwrap().unwrap().status(), 200);
}

#[tokio::test]
async fn a_result_is_posted_until_it_is_taken() {
    let platform = Platform::start().await;
    platform
        .once(&result_path(), Reply::Later(503, 1))
        .once(&result_path(), Reply::Json(401, json!({"error": "wrong token"})));
    let gate = Gate::new();
    let more = ["--heartbeat-interval", "0.1"];
    let agent = Agent::start_registered(&platform, &gate.wait(), &more).await;
    assert_accepted(delivery(&agent, "m1", 0, 1).send().await.unwrap()).await;
    gate.open();
    let first = platform.wait_for(&result_path(), "a result", |_| true).await;
    let seen = platform.all(HEARTBEAT).len();
    let posts = platform.wait_for_number(&result_path(), 3).await;
    assert!(posts.iter().all(|post| post.body == first.body));
    let waiting = &platform.all(HEARTBEAT)[seen + 1..];
    assert!(!waiting.is_empty() && waiting.iter().take(5).all(|beat| beat.body["active_tasks"] == 1), "{waiting:#?}");
}

#[tokio::test]
async fn a_result_that_nobody_wants_is_dropped() {
    let platform = Platform::start().await;
    platform.always(&result_path(), Reply::Json(409, json!({"error": "old epoch"})));
    let gate = Gate::new();
    let agent = Agent::start_registered(&platform, &gate.wait(), &[]).await;
    assert_accepted(delivery(&agent, "m1", 0, 1).send().await.unwrap()).await;
    let busy = platform.wait_for(HEARTBEAT, "an active task", |beat| beat.body["active_tasks"] == 1).await;
    gate.open();
    until_idle_again(&platform, &busy).await;
    assert_eq!(platform.all(&result_path()).len(), 1);
}

#[tokio::test]
async fn a_repeat_of_a_long_turn_is_answered_in_its_own_epoch() {
    let platform = Platform::start().await;
    let gate = Gate::new();
    let agent = Agent::start_registered(&platform, &gate.wait(), &[]).await;
    assert_accepted(delivery(&agent, "m1", 0, 1).send().await.unwrap()).await;
    assert_accepted(delivery(&agent, "m1", 0, 2).send().await.unwrap()).await;
    gate.open();
    let old = platform.wait_for(&result_path(), "epoch 1", |post| post.body["slot_epoch"] == 1).await;
    let new = platform.wait_for(&result_path(), "epoch 2", |post| post.body["slot_epoch"] == 2).await;
    assert_eq!(old.body["body"], new.body["body"]);
    assert_eq!(gate.starts(), 1);
}

/// A connection that ends before the answer does is not the end of the turn, nor of its answer.
#[tokio::test]
async fn a_caller_that_hangs_up_gets_its_result_posted() {
    let platform = Platform::start().await;
    let gate = Gate::new();
    let agent = Agent::start_registered(&platform, &format!("{}; echo late", gate.wait()), &[]).await;
    let caller = tokio::spawn(delivery(&agent, "m1", 9, 3).send());
    gate.until_started().await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    gate.open();
    let posted = platform.wait_for(&result_path(), "a result", |_| true).await;
    assert_eq!(posted.body["slot_epoch"], 3);
    assert_eq!(posted.body["body"]["result"]["parts"][0]["text"], "late");
}
