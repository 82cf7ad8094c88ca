//! What an agent is told of its restart, and when.

use std::time::Duration;

use rules::WorkspaceId;
use rules::engine::Exit;
use serde_json::{Value, json};
use tests::fake_agent::Mood;
use tests::{ADMIN, FakeAgent, World};

use super::{boot, create, online, post, world};

/// The states of the messages that it got from the platform about restarts, newest first.
async fn told(world: &World, id: WorkspaceId) -> Vec<String> {
    let path = format!("/workspaces/{id}/a2a/queue?caller=system:restart-context");
    let listed = world.call("GET", &path, Some(ADMIN), &Value::Null).await.expect(200).body;
    let items = listed["items"].as_array().unwrap();
    items.iter().map(|item| item["status"].as_str().unwrap().to_owned()).collect()
}

async fn answering() -> FakeAgent {
    FakeAgent::start(Mood::Answer(r#"{"jsonrpc":"2.0","id":"1","result":{}}"#.to_owned())).await
}

/// Long enough for a restart not to be part of the one before.
async fn restart(world: &World, id: WorkspaceId) {
    world.advance(Duration::from_secs(61));
    post(world, id, "restart", &Value::Null).await.expect(200);
    world.settle().await;
}

#[tokio::test]
async fn a_restart_is_told_once_before_all_that_waits_and_without_a_value() {
    let world = world().await;
    let agent = answering().await;
    world.engine.listen(&agent.url);
    let (id, _) = online(&world).await;
    assert_eq!(told(&world, id).await, [""; 0], "a first start is no restart");
    let secret = json!({ "key": "API_KEY", "value": "the-value-itself" });
    let put = world.call("POST", &format!("/workspaces/{id}/secrets"), Some(ADMIN), &secret).await;
    put.expect(200);
    restart(&world, id).await;
    let waiting = json!({ "method": "message/send", "params": { "message": {
        "role": "user", "messageId": "m1", "parts": [{ "kind": "text", "text": "work" }] } } });
    post(&world, id, "a2a", &waiting).await.expect(202);
    assert_eq!(told(&world, id).await, ["queued"], "it waits for its agent");
    assert!(agent.got().is_empty());
    boot(&world, id).await;
    assert_eq!(told(&world, id).await, ["completed"]);
    let got = agent.got();
    assert_eq!(got.len(), 2);
    let first: Value = serde_json::from_str(&got[0].body).unwrap();
    let message = &first["params"]["message"];
    assert_eq!(message["metadata"]["kind"], "restart_context");
    let text = message["parts"][0]["text"].as_str().unwrap();
    assert!(text.contains("Cause: asked for") && text.contains("Environment keys: API_KEY"), "{text}");
    assert!(text.contains("(last heartbeat, 61 s before)"), "{text}");
    assert!(!got[0].body.contains("the-value-itself"));
    assert!(got[1].body.contains("work"));
}

#[tokio::test]
async fn a_restart_is_told_to_an_agent_that_comes_back_degraded() {
    let world = world().await;
    let (id, _) = online(&world).await;
    let agent = answering().await;
    world.engine.listen(&agent.url);
    restart(&world, id).await;
    let boot = tests::Agent { id: id.to_string(), token: world.engine.last_launch().boot_credential.0 };
    let registered = world.register(&boot, "http://127.0.0.1:1").await.expect(200);
    let back = tests::Agent { token: registered.body["auth_token"].as_str().unwrap().to_owned(), ..boot };
    world.beat(&back, &json!({ "error_rate": 1.0, "sample_error": "the model refuses" })).await.expect(200);
    assert_eq!(world.show(&back.id).await["status"], "degraded");
    world.settle().await;
    assert_eq!(told(&world, id).await, ["completed"]);
    assert_eq!(agent.got().len(), 1);
}

#[tokio::test]
async fn only_the_last_of_several_restarts_is_told() {
    let world = world().await;
    let agent = answering().await;
    world.engine.listen(&agent.url);
    let (id, _) = online(&world).await;
    restart(&world, id).await;
    world.engine.kill(id, 2, Exit { code: Some(1), ..Exit::default() });
    world.platform.reconcile_soon(id).await;
    world.settle().await;
    assert_eq!(told(&world, id).await, ["queued", "queued"]);
    boot(&world, id).await;
    assert_eq!(told(&world, id).await, ["completed", "coalesced"]);
    let got = agent.got();
    assert_eq!(got.len(), 1);
    assert!(got[0].body.contains("Generation: 3"), "{}", got[0].body);
}

#[tokio::test]
async fn a_wake_and_a_resume_are_no_restarts() {
    let world = world().await;
    let agent = answering().await;
    world.engine.listen(&agent.url);
    let (id, _) = online(&world).await;
    post(&world, id, "hibernate", &Value::Null).await.expect(200);
    world.settle().await;
    assert!(world.platform.wake_hibernated(id, "a message waits").await.unwrap());
    world.settle().await;
    boot(&world, id).await;
    post(&world, id, "pause", &Value::Null).await.expect(200);
    world.settle().await;
    post(&world, id, "resume", &Value::Null).await.expect(200);
    world.settle().await;
    boot(&world, id).await;
    assert_eq!(told(&world, id).await, [""; 0]);
    assert!(agent.got().is_empty());
}

#[tokio::test]
async fn nothing_is_told_where_that_is_switched_off() {
    let variables =
        [("PROVISIONER", "process"), ("WORKSPACE_PLATFORM_URL", "http://127.0.0.1:1"), ("RESTART_CONTEXT", "0")];
    let world = World::with(&variables).await;
    let id = create(&world, &json!({ "name": "bob" })).await;
    boot(&world, id).await;
    restart(&world, id).await;
    boot(&world, id).await;
    assert_eq!(told(&world, id).await, [""; 0]);
}
