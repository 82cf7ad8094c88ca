//! Delegation: a task goes through the target's queue, and its outcome is found at the source, however it ends.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{ADMIN, Agent, Answer, FakeAgent, Mood, World};

const NOBODY: &str = "99999999-9999-4999-8999-999999999999";

async fn delegate(world: &World, source: &Agent, target: &str, more: Value) -> Answer {
    let mut body = json!({ "target_id": target, "task": "count the sheep" });
    for (name, value) in more.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    world.call("POST", &format!("/workspaces/{}/delegate", source.id), Some(&source.token), &body).await
}

async fn list(world: &World, source: &Agent) -> Vec<Value> {
    let path = format!("/workspaces/{}/delegations", source.id);
    let answer = world.call("GET", &path, Some(&source.token), &Value::Null).await.expect(200);
    answer.body.as_array().unwrap().clone()
}

/// The statuses of both rows of one delegation; they are always one.
async fn status(world: &World, source: &Agent, id: &str) -> String {
    let rows = list(world, source).await;
    let mut statuses: Vec<_> = rows.iter().filter(|row| row["delegation_id"] == id).map(|row| &row["status"]).collect();
    statuses.dedup();
    assert_eq!(statuses.len(), 1, "its rows agree: {rows:?}");
    statuses[0].as_str().unwrap().to_owned()
}

fn id(answer: &Answer) -> String {
    answer.body["delegation_id"].as_str().unwrap().to_owned()
}

fn answering(text: &str) -> Mood {
    Mood::Answer(json!({ "jsonrpc": "2.0", "id": 1, "result": { "kind": "message", "parts": [{ "kind": "text", "text": text }] } }).to_string())
}

#[tokio::test]
async fn a_task_is_done_and_its_result_is_found() {
    let world = World::new().await;
    let agent = FakeAgent::start(answering("seven")).await;
    let (alice, bob) = (world.online("alice", "http://127.0.0.1:9/").await, world.online("bob", &agent.url).await);
    let made = delegate(&world, &alice, &bob.id, json!({})).await.expect(202);
    assert_eq!((&made.body["status"], &made.body["target_id"]), (&json!("delegated"), &json!(bob.id)));
    assert_eq!(status(&world, &alice, &id(&made)).await, "queued");
    world.settle().await;
    let got = agent.got();
    assert_eq!(got[0].headers["x-workspace-id"], alice.id);
    assert!(got[0].body.contains("count the sheep") && got[0].body.contains(&id(&made)), "{}", got[0].body);
    assert_eq!(status(&world, &alice, &id(&made)).await, "completed");
    let rows = list(&world, &alice).await;
    assert_eq!((rows.len(), &rows[0]["response_preview"]), (2, &json!("seven")));
    assert_eq!(
        (&rows[0]["summary"], &rows[1]["summary"]),
        (&json!("Delegation completed (seven)"), &json!(format!("Delegating to {}", bob.id)))
    );
    let events = world.events(&alice.id).await;
    assert_eq!(events[events.len() - 3..], ["DELEGATION_SENT", "DELEGATION_STATUS", "DELEGATION_COMPLETE"]);
    world.sound(&alice.id).await;
    world.sound(&bob.id).await;
}

#[tokio::test]
async fn whatever_ends_the_message_ends_the_delegation() {
    let world = World::new().await;
    let alice = world.online("alice", "http://127.0.0.1:9/").await;
    let refusing =
        FakeAgent::start(Mood::Answer(r#"{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"no"}}"#.into())).await;
    let mut failed = 0;
    for (how, expected) in
        [("answer", "no"), ("cancel", "cancelled"), ("expire", "expired"), ("drop", "dropped"), ("remove", "dropped")]
    {
        let url = if how == "answer" { refusing.url.clone() } else { "http://127.0.0.1:9/".to_owned() };
        let bob = world.external(how).await;
        let made =
            delegate(&world, &alice, &bob.id, json!({ "deadline_seconds": if how == "expire" { 60 } else { 3600 } }))
                .await
                .expect(202);
        let entry = format!("/workspaces/{}/a2a/queue/{}", bob.id, made.body["queue_id"].as_str().unwrap());
        match how {
            "answer" => {
                world.register(&bob, &url).await.expect(200);
                world.settle().await;
            }
            "cancel" => drop(world.call("DELETE", &entry, Some(&alice.token), &Value::Null).await.expect(200)),
            "expire" => {
                world.advance(Duration::from_secs(61));
                world.sweep().await;
            }
            "drop" => {
                world.advance(Duration::from_secs(60));
                let path = format!("/admin/a2a-queue/drop-stale?max_age_minutes=1&workspace_id={}", bob.id);
                world.call("POST", &path, Some(ADMIN), &Value::Null).await.expect(200);
            }
            _ => drop(
                world.call("DELETE", &format!("/workspaces/{}", bob.id), Some(ADMIN), &Value::Null).await.expect(200),
            ),
        }
        assert_eq!(status(&world, &alice, &id(&made)).await, "failed", "{how}");
        let rows = list(&world, &alice).await;
        let row = rows.iter().find(|row| row["id"] == format!("{}-result", id(&made))).expect("a row of its end");
        assert!(row["error"].as_str().unwrap().contains(expected), "{how}: {row}");
        failed += 1;
        let events = world.events(&alice.id).await;
        assert_eq!(events.iter().filter(|event| *event == "DELEGATION_FAILED").count(), failed, "{how}: {events:?}");
        world.beat(&alice, &json!({})).await.expect(200);
    }
    world.sound(&alice.id).await;
}

#[tokio::test]
async fn one_that_cannot_be_sent_fails_at_once_and_reaches_nobody() {
    let world = World::new().await;
    let parent = world.external("parent").await;
    let alice = world.external_below("alice", Some(&parent.id)).await;
    let stranger = world.external("stranger").await;
    for target in [&stranger.id, NOBODY] {
        let made = delegate(&world, &alice, target, json!({})).await.expect(202);
        assert_eq!(status(&world, &alice, &id(&made)).await, "failed");
    }
    assert_eq!(world.sound(&stranger.id).await.messages.len(), 0);
    for (body, code) in [
        (json!({ "target_id": alice.id }), "self_delegation"),
        (json!({ "target_id": "x" }), "invalid_id"),
        (json!({ "task": "  " }), "invalid_field"),
        (json!({ "deadline_seconds": 0 }), "invalid_field"),
    ] {
        assert_eq!(delegate(&world, &alice, &parent.id, body).await.expect(400).code(), code);
    }
    let foreign =
        world.call("GET", &format!("/workspaces/{}/delegations", alice.id), Some(&stranger.token), &Value::Null).await;
    assert_eq!(foreign.expect(403).code(), "not_your_workspace");
}

#[tokio::test]
async fn a_key_stands_for_one_delegation_while_it_counts() {
    let world = World::new().await;
    let agent = FakeAgent::start(answering("done")).await;
    let (alice, bob) = (world.online("alice", "http://127.0.0.1:9/").await, world.external("bob").await);
    let key = json!({ "idempotency_key": "k" });
    let first = delegate(&world, &alice, &bob.id, key.clone()).await.expect(202);
    let again = delegate(&world, &alice, &bob.id, key.clone()).await.expect(202);
    assert_eq!((&again.body["idempotent_hit"], &again.body["status"]), (&json!(true), &json!("queued")));
    assert_eq!(id(&again), id(&first));
    world.register(&bob, &agent.url).await.expect(200);
    world.settle().await;
    world.advance(Duration::from_secs(599));
    assert_eq!(id(&delegate(&world, &alice, &bob.id, key.clone()).await.expect(202)), id(&first));
    world.advance(Duration::from_secs(2));
    let second = delegate(&world, &alice, &bob.id, key.clone()).await.expect(202);
    assert_ne!(id(&second), id(&first), "completed long enough ago");
    assert_eq!(agent.got().len(), 1);
    world.call("DELETE", &format!("/workspaces/{}", bob.id), Some(ADMIN), &Value::Null).await.expect(200);
    let third = delegate(&world, &alice, &bob.id, key).await.expect(202);
    assert_ne!(id(&third), id(&second), "what failed may be tried again");
}

#[tokio::test]
async fn a_source_that_is_gone_holds_up_nobody() {
    let world = World::new().await;
    let agent = FakeAgent::start(answering("done")).await;
    let (alice, bob) = (world.online("alice", "http://127.0.0.1:9/").await, world.external("bob").await);
    delegate(&world, &alice, &bob.id, json!({})).await.expect(202);
    world.call("DELETE", &format!("/workspaces/{}?purge=true", alice.id), Some(ADMIN), &Value::Null).await.expect(200);
    world.register(&bob, &agent.url).await.expect(200);
    world.settle().await;
    assert_eq!(agent.got().len(), 1);
    let seen = world.sound(&bob.id).await;
    assert_eq!((seen.messages[0].state.as_str(), seen.slots.open), ("completed", 0));
}

#[tokio::test]
async fn what_an_agent_does_by_itself_is_recorded_once_and_ends_once() {
    let world = World::new().await;
    let (alice, bob) = (world.external("alice").await, world.external("bob").await);
    let path = format!("/workspaces/{}/delegations", alice.id);
    let body = json!({ "target_id": bob.id, "task": "t", "delegation_id": "own-1" });
    for _ in 0..2 {
        let made = world.call("POST", &format!("{path}/record"), Some(&alice.token), &body).await.expect(202);
        assert_eq!(made.text, r#"{"delegation_id":"own-1","status":"recorded"}"#);
    }
    for (reported, then) in [("queued", "queued"), ("completed", "completed"), ("failed", "completed")] {
        let body = json!({ "status": reported, "response_preview": "r", "error": "e" });
        let told = world.call("POST", &format!("{path}/own-1/update"), Some(&alice.token), &body).await.expect(200);
        assert_eq!((&told.body["status"], status(&world, &alice, "own-1").await.as_str()), (&json!(then), then));
    }
    let unknown = json!({ "status": "failed" });
    world.call("POST", &format!("{path}/other/update"), Some(&alice.token), &unknown).await.expect(200);
    let bad =
        world.call("POST", &format!("{path}/own-1/update"), Some(&alice.token), &json!({ "status": "done" })).await;
    assert_eq!(bad.expect(400).code(), "invalid_field");
    let events = world.events(&alice.id).await;
    assert_eq!(events[events.len() - 3..], ["DELEGATION_SENT", "DELEGATION_STATUS", "DELEGATION_COMPLETE"]);
}
