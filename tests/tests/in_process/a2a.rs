//! A2A: from accept to answer.

use std::time::Duration;

use platform::agents::MAX_ANSWER;
use serde_json::{Value, json};
use tests::{ADMIN, FakeAgent, Mood, World};

fn message(id: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": "message/send",
        "params": { "message": { "role": "user", "messageId": id, "parts": [{ "kind": "text", "text": "hi" }] } } })
}

#[tokio::test]
async fn a_message_reaches_the_agent_and_its_answer_comes_back() {
    let world = World::new().await;
    let agent = FakeAgent::start(Mood::Answer(r#"{"jsonrpc":"2.0","id":1,"result":{"ok":true}}"#.into())).await;
    let (alice, bob) = (world.online("alice", "http://127.0.0.1:9/").await, world.online("bob", &agent.url).await);
    let path = format!("/workspaces/{}/a2a", bob.id);
    let accepted = world.call("POST", &path, Some(&alice.token), &message("m1")).await.expect(202);
    let queue_id = accepted.body["queue_id"].as_str().unwrap().to_owned();
    world.gate.take_operations();
    world.settle().await;
    println!("{:?}", world.gate.take_operations());
    let got = agent.got();
    assert_eq!(got.len(), 1);
    assert!(got[0].headers["authorization"].to_str().unwrap().starts_with("Bearer "));
    assert_eq!(got[0].headers["x-workspace-id"], alice.id);
    let seen =
        world.call("GET", &format!("{path}/queue/{queue_id}"), Some(&alice.token), &Value::Null).await.expect(200);
    assert_eq!(seen.body["status"], "completed", "{}", seen.body);
    assert_eq!(seen.body["result"]["body"]["result"]["ok"], true);
    let repeat = world.call("POST", &path, Some(&alice.token), &message("m1")).await.expect(200);
    assert_eq!(repeat.body["result"]["ok"], true);
    assert_eq!(agent.got().len(), 1, "answered from the record");
    let mut other = message("m1");
    other["params"]["message"]["parts"][0]["text"] = json!("else");
    assert_eq!(world.call("POST", &path, Some(&alice.token), &other).await.expect(409).code(), "idempotency_conflict");
}

#[tokio::test]
async fn busy_and_offline_targets_queue_and_the_heartbeat_with_capacity_drains() {
    let world = World::new().await;
    let agent = FakeAgent::start(Mood::Status(503)).await;
    let bob = world.online("bob", &agent.url).await;
    let path = format!("/workspaces/{}/a2a", bob.id);
    let accepted = world.call("POST", &path, Some(ADMIN), &message("m1")).await.expect(202);
    world.settle().await;
    assert_eq!(agent.got().len(), 1);
    let queue = format!("{path}/queue/{}", accepted.body["queue_id"].as_str().unwrap());
    let seen = world.call("GET", &queue, Some(ADMIN), &Value::Null).await.expect(200);
    assert_eq!((seen.body["status"].as_str(), seen.body["attempts"].as_u64()), (Some("queued"), Some(0)));
    assert_eq!(seen.body["reason"], "the agent is busy");

    agent.set(Mood::Answer("{}".into()));
    world.advance(Duration::from_secs(1));
    world.settle().await;
    let seen = world.call("GET", &queue, Some(ADMIN), &Value::Null).await.expect(200);
    assert_eq!(seen.body["status"], "completed", "the reminder drained: {}", seen.body);

    world.advance(Duration::from_secs(100));
    let accepted = world.call("POST", &path, Some(ADMIN), &message("m2")).await.expect(202);
    assert_eq!(accepted.body["message"], "queued: the workspace is offline");
    world.settle().await;
    assert_eq!(agent.got().len(), 2);
    world.beat(&bob, &json!({ "active_tasks": 1 })).await.expect(200);
    world.settle().await;
    assert_eq!(agent.got().len(), 2, "no capacity");
    world.beat(&bob, &json!({ "active_tasks": 0 })).await.expect(200);
    world.settle().await;
    assert_eq!(agent.got().len(), 3, "the heartbeat with capacity drains");
}

#[tokio::test]
async fn a_turn_that_answers_later_completes_by_its_result() {
    let world = World::new().await;
    let agent = FakeAgent::start(Mood::Later).await;
    let bob = world.online("bob", &agent.url).await;
    let path = format!("/workspaces/{}/a2a", bob.id);
    let accepted = world.call("POST", &path, Some(ADMIN), &message("m1")).await.expect(202);
    world.settle().await;
    let got = &agent.got()[0];
    let epoch: u64 = got.headers["x-molecule-slot-epoch"].to_str().unwrap().parse().unwrap();
    let queue = format!("{path}/queue/{}", accepted.body["queue_id"].as_str().unwrap());
    assert_eq!(world.call("GET", &queue, Some(ADMIN), &Value::Null).await.body["status"], "delivered");
    let second = world.call("POST", &path, Some(ADMIN), &message("m2")).await.expect(202);
    world.settle().await;
    assert_eq!(agent.got().len(), 1, "one turn at a time");
    let result = |epoch: u64| json!({ "slot_epoch": epoch, "status": 200, "body": { "done": true } });
    let late = world.call("POST", &format!("{queue}/result"), Some(&bob.token), &result(epoch + 7)).await;
    assert_eq!((late.status, late.code()), (409, "late_result"));
    world.call("POST", &format!("{queue}/result"), Some(&bob.token), &result(epoch)).await.expect(200);
    let seen = world.call("GET", &queue, Some(ADMIN), &Value::Null).await;
    assert_eq!((seen.body["status"].as_str(), &seen.body["result"]["body"]["done"]), (Some("completed"), &json!(true)));
    world.settle().await;
    assert_eq!(agent.got().len(), 2, "the freed slot drains");
    assert_eq!(second.body["queued"], true);
}

#[tokio::test]
async fn an_answer_that_no_function_could_hand_on_is_not_taken() {
    let world = World::new().await;
    for (size, taken) in [(MAX_ANSWER, true), (MAX_ANSWER + 1, false)] {
        let agent = FakeAgent::start(Mood::Answer(format!("\"{}\"", "x".repeat(size - 2)))).await;
        let bob = world.online("bob", &agent.url).await;
        let sent = world.call("POST", &format!("/workspaces/{}/a2a", bob.id), Some(ADMIN), &message("m")).await;
        let path = format!("/workspaces/{}/a2a/queue/{}", bob.id, sent.expect(202).body["queue_id"].as_str().unwrap());
        world.settle().await;
        let record = world.call("GET", &path, Some(ADMIN), &Value::Null).await.expect(200).body;
        assert_eq!(record["status"] == "completed", taken, "{size}: {}", record["reason"]);
        assert!(
            taken || record["reason"].as_str().unwrap().contains("larger than 4194304 bytes"),
            "{}",
            record["reason"]
        );
    }
}
