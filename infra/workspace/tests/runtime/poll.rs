use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::{
    agent::{Agent, Gate, TOKEN, WORKSPACE, message},
    platform::{HEARTBEAT, Platform, REGISTER, Reply},
};

const QUEUE_ID: &str = "0d9f6c1e-55a7-4c4b-8d3c-2f1f4f9a7b10";

fn inbox() -> String {
    format!("/workspaces/{WORKSPACE}/inbox")
}

fn verb(verb: &str) -> String {
    format!("{}/{QUEUE_ID}/{verb}", inbox())
}

fn items(items: &[Value]) -> Reply {
    Reply::Json(200, json!({ "items": items, "pending": 0 }))
}

fn item(epoch: u64, lease_seconds: f64, body: &Value) -> Value {
    json!({ "queue_id": QUEUE_ID, "slot_epoch": epoch, "caller_id": null, "lease_seconds": lease_seconds, "body": body })
}

/// A program that polls, for whom `first` waits; then nothing.
async fn polling(command: &str, first: &[Value]) -> (Platform, Agent) {
    let platform = Platform::start().await;
    platform.once(&inbox(), items(first)).always(&inbox(), items(&[]));
    platform.always(&verb("extend"), Reply::Json(200, json!({ "lease_expires_at": "x", "lease_seconds": 0.5 })));
    let agent = Agent::start_registered(&platform, command, &["--mode", "poll"]).await;
    (platform, agent)
}

#[tokio::test]
async fn a_fetched_message_is_run_and_acked() {
    let (platform, agent) = polling("tr a-z A-Z", &[item(7, 120.0, &message("m1", "hello"))]).await;
    assert_eq!(agent.url, "poll", "it listens nowhere");
    let registered = platform.all(REGISTER).remove(0).body;
    assert_eq!((&registered["delivery_mode"], registered.get("url")), (&json!("poll"), None));
    let acked = platform.wait_for(&verb("ack"), "an answer", |_| true).await;
    assert_eq!(acked.bearer.as_deref(), Some(TOKEN));
    assert_eq!((&acked.body["slot_epoch"], &acked.body["status"]), (&json!(7), &json!("completed")));
    assert_eq!(acked.body["response"]["result"]["parts"][0]["text"], "HELLO");
    platform.wait_for_number(&inbox(), 3).await;
    assert_eq!(platform.all(&verb("ack")).len(), 1);
}

#[tokio::test]
async fn what_is_no_message_is_answered_with_the_error() {
    let (platform, _agent) =
        polling("cat", &[item(7, 120.0, &json!({ "jsonrpc": "2.0", "id": 5, "method": "other" }))]).await;
    let acked = platform.wait_for(&verb("ack"), "an answer", |_| true).await;
    assert_eq!((&acked.body["response"]["error"]["code"], &acked.body["response"]["id"]), (&json!(-32601), &json!(5)));
}

#[tokio::test]
async fn a_lease_is_extended_for_as_long_as_its_turn_runs() {
    let gate = Gate::new();
    let (platform, _agent) =
        polling(&format!("{}; echo done", gate.wait()), &[item(7, 0.5, &message("m1", "x"))]).await;
    let extended = platform.wait_for_number(&verb("extend"), 3).await;
    assert_eq!(extended[0].body["slot_epoch"], 7);
    assert!(platform.all(&verb("ack")).is_empty());
    platform.wait_for(HEARTBEAT, "an active task", |beat| beat.body["active_tasks"] == 1).await;
    gate.open();
    platform.wait_for(&verb("ack"), "an answer", |_| true).await;
    platform.wait_for(HEARTBEAT, "nothing in hand", |beat| beat.body["active_tasks"] == 0).await;
}

#[tokio::test]
async fn a_turn_whose_lease_is_over_is_stopped_and_nothing_is_acked() {
    let platform = Platform::start().await;
    let late = json!({ "error": "over", "code": "late_result" });
    platform.once(&inbox(), items(&[item(7, 0.5, &message("m1", "x"))])).always(&inbox(), items(&[]));
    platform.always(&verb("extend"), Reply::Json(409, late));
    let _agent = Agent::start_registered(&platform, "sleep 600", &["--mode", "poll"]).await;
    platform.wait_for_number(&verb("extend"), 1).await;
    let began = std::cell::Cell::new(false);
    let ended = |beat: &crate::platform::Recorded| {
        began.set(began.get() || beat.body["active_tasks"] == 1);
        began.get() && beat.body["active_tasks"] == 0
    };
    platform.wait_for(HEARTBEAT, "an idle report after the stop", ended).await;
    let failed = platform.all(HEARTBEAT).iter().any(|beat| beat.body["error_rate"] != 0.0);
    assert!(!failed, "what is called off is no error of the agent's");
    assert!(platform.all(&verb("ack")).is_empty());
}

#[tokio::test]
async fn nothing_is_fetched_while_there_is_no_room_and_a_refusal_is_tried_again() {
    let gate = Gate::new();
    let platform = Platform::start().await;
    platform.once(&inbox(), Reply::Later(503, 0));
    platform.once(&inbox(), items(&[item(7, 120.0, &message("m1", "x"))])).always(&inbox(), items(&[]));
    let _agent = Agent::start_registered(&platform, &gate.wait(), &["--mode", "poll"]).await;
    let beats = platform.wait_for(HEARTBEAT, "an active task", |beat| beat.body["active_tasks"] == 1).await;
    let asked = platform.all(&inbox()).len();
    assert_eq!(asked, 2, "{beats:?}");
    gate.open();
    platform.wait_for_number(&inbox(), 3).await;
}

#[tokio::test]
async fn a_shutdown_finishes_what_was_fetched() {
    let gate = Gate::new();
    let (platform, mut agent) =
        polling(&format!("{}; echo done", gate.wait()), &[item(7, 120.0, &message("m1", "x"))]).await;
    platform.wait_for(HEARTBEAT, "an active task", |beat| beat.body["active_tasks"] == 1).await;
    agent.signal(Signal::SIGTERM);
    gate.open();
    let acked = platform.wait_for(&verb("ack"), "an answer", |_| true).await;
    assert_eq!(acked.body["response"]["result"]["parts"][0]["text"], "done");
    assert!(agent.ended().await.success(), "{}", agent.log());
}
