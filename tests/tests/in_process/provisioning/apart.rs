//! Agents that only the dispatch function in their own network reaches: nobody else opens a connection to them.

use rules::WorkspaceId;
use serde_json::{Value, json};
use tests::fake_agent::Mood;
use tests::{ADMIN, FakeAgent, World};

use super::{boot, create, post};

async fn world() -> World {
    let variables = [
        ("PROVISIONER", "process"),
        ("WORKSPACE_PLATFORM_URL", "http://127.0.0.1:1"),
        ("DISPATCH_VPC_QUEUE_URL", "dispatch-vpc"),
    ];
    World::with(&variables).await
}

fn message(id: &str) -> Value {
    json!({ "method": "message/send", "params": { "message": {
        "role": "user", "messageId": id, "parts": [{ "kind": "text", "text": "work" }] } } })
}

async fn send(world: &World, id: WorkspaceId, message_id: &str) -> String {
    let sent = post(world, id, "a2a", &message(message_id)).await.expect(202);
    sent.body["queue_id"].as_str().unwrap().to_owned()
}

async fn status(world: &World, id: WorkspaceId, queue_id: &str) -> String {
    let path = format!("/workspaces/{id}/a2a/queue/{queue_id}");
    let entry = world.call("GET", &path, Some(ADMIN), &Value::Null).await.expect(200).body;
    entry["status"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn messages_of_started_workspaces_are_delivered_from_within_and_all_others_from_without() {
    let mut world = world().await;
    let agent = FakeAgent::start(Mood::Answer(r#"{"jsonrpc":"2.0","id":"1","result":{}}"#.to_owned())).await;
    world.engine.listen(&agent.url);
    let id = create(&world, &json!({ "name": "bob" })).await;
    boot(&world, id).await;
    let external = world.online("alice", &agent.url).await;
    let inside = world.inside.take();

    // Without the function inside nothing is tried from outside.
    let waits = send(&world, id, "m1").await;
    let goes = send(&world, external.id.parse().unwrap(), "m2").await;
    world.settle().await;
    assert_eq!(status(&world, external.id.parse().unwrap(), &goes).await, "completed");
    assert_eq!(status(&world, id, &waits).await, "queued");
    assert_eq!(agent.got().len(), 1, "only the external one was called");

    world.inside = inside;
    world.settle().await;
    assert_eq!(status(&world, id, &waits).await, "completed");
    assert_eq!(agent.got().len(), 2);
}

#[tokio::test]
async fn a_word_about_a_cancelled_message_goes_the_same_way() {
    let mut world = world().await;
    let agent = FakeAgent::start(Mood::Later).await;
    world.engine.listen(&agent.url);
    let id = create(&world, &json!({ "name": "bob" })).await;
    boot(&world, id).await;
    let sent = send(&world, id, "m1").await;
    world.settle().await;
    assert_eq!(status(&world, id, &sent).await, "delivered");
    let inside = world.inside.take();
    let path = format!("/workspaces/{id}/a2a/queue/{sent}");
    world.call("DELETE", &path, Some(ADMIN), &Value::Null).await.expect(200);
    world.settle().await;
    assert_eq!(agent.got().len(), 1);
    world.inside = inside;
    world.settle().await;
    let got = agent.got();
    assert_eq!(got.len(), 2);
    assert!(got[1].body.contains(r#""kind":"cancel""#), "{}", got[1].body);
}
