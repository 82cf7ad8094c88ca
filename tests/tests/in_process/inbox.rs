//! Poll mode: messages are fetched, held under a lease, answered, given back or kept.

use std::time::Duration;

use serde_json::{Value, json};
use tests::api::message;
use tests::{ADMIN, Agent, Answer, World};

/// An agent that fetches its messages.
async fn polling(world: &World, name: &str) -> Agent {
    let agent = world.external(name).await;
    let body = json!({ "id": agent.id, "agent_card": { "name": name }, "delivery_mode": "poll" });
    world.call("POST", "/registry/register", Some(&agent.token), &body).await.expect(200);
    agent
}

async fn send(world: &World, to: &Agent, id: &str, context: &str) -> String {
    let mut body = message(id);
    body["params"]["message"]["contextId"] = json!(context);
    let accepted = world.call("POST", &format!("/workspaces/{}/a2a", to.id), Some(ADMIN), &body).await.expect(202);
    accepted.body["queue_id"].as_str().unwrap().to_owned()
}

async fn fetch(world: &World, agent: &Agent, max: u32) -> Vec<Value> {
    let path = format!("/workspaces/{}/inbox?max={max}", agent.id);
    let answer = world.call("GET", &path, Some(&agent.token), &Value::Null).await.expect(200);
    answer.body["items"].as_array().unwrap().clone()
}

async fn settle(world: &World, agent: &Agent, item: &Value, verb: &str, mut body: Value) -> Answer {
    body["slot_epoch"] = item["slot_epoch"].clone();
    let path = format!("/workspaces/{}/inbox/{}/{verb}", agent.id, item["queue_id"].as_str().unwrap());
    world.call("POST", &path, Some(&agent.token), &body).await
}

async fn ack(world: &World, agent: &Agent, item: &Value) -> Answer {
    settle(world, agent, item, "ack", json!({ "status": "completed", "response": { "big": 1 } })).await
}

async fn state(world: &World, agent: &Agent, queue_id: &str) -> Value {
    let path = format!("/workspaces/{}/a2a/queue/{queue_id}", agent.id);
    world.call("GET", &path, Some(ADMIN), &Value::Null).await.expect(200).body
}

#[tokio::test]
async fn a_fetched_message_is_answered_and_its_sender_gets_the_answer() {
    let world = World::new().await;
    let bob = polling(&world, "bob").await;
    let body = br#"{"jsonrpc":"2.0","id":12345678901234567890123,"method":"message/send","params":{"message":{"role":"user","messageId":"m1","parts":[]}}}"#;
    let sent = world.raw("POST", &format!("/workspaces/{}/a2a", bob.id), Some(ADMIN), &[], body).await.expect(202);
    assert_eq!((sent.body["message"].as_str(), &sent.body["queue_depth"]), (Some("queued for poll"), &json!(1)));
    let path = format!("/workspaces/{}/inbox?wait=5", bob.id);
    let got = world.call("GET", &path, Some(&bob.token), &Value::Null).await.expect(200);
    assert!(got.text.contains("12345678901234567890123"), "numbers keep their digits: {}", got.text);
    let item = &got.body["items"][0];
    assert_eq!(
        (&item["caller_id"], &item["message_id"], &got.body["pending"]),
        (&Value::Null, &json!("m1"), &json!(0))
    );
    let queue_id = item["queue_id"].as_str().unwrap();
    assert_eq!(state(&world, &bob, queue_id).await["status"], "delivered");
    let late = settle(
        &world,
        &bob,
        &json!({ "queue_id": queue_id, "slot_epoch": 99 }),
        "ack",
        json!({ "status": "completed", "response": 1 }),
    )
    .await;
    assert_eq!(late.expect(409).code(), "late_result");
    ack(&world, &bob, item).await.expect(200);
    // Whoever did not hear of it brings it again; something else comes too late.
    assert_eq!(ack(&world, &bob, item).await.expect(200).body["status"], "completed");
    let other = settle(&world, &bob, item, "ack", json!({ "status": "completed", "response": 2 })).await;
    assert_eq!(other.expect(409).code(), "late_result");
    let seen = state(&world, &bob, queue_id).await;
    assert_eq!((seen["status"].as_str(), &seen["result"]["body"]["big"]), (Some("completed"), &json!(1)));
    let steps: Vec<_> =
        seen["timeline"].as_array().unwrap().iter().map(|step| step["what"].as_str().unwrap()).collect();
    assert_eq!(steps, ["accepted", "leased", "sent", "delivered", "late", "answered", "done", "late"]);
    assert!(fetch(&world, &bob, 1).await.is_empty());
    let seen = world.sound(&bob.id).await;
    assert!(!seen.slots.pending && seen.slots.open == 0 && !seen.lease.unwrap().work, "{:?}", seen.slots);
}

#[tokio::test]
async fn capacity_and_lanes_hold_for_those_who_fetch() {
    let world = World::new().await;
    let bob = polling(&world, "bob").await;
    let patch = json!({ "max_concurrent_tasks": 2 });
    world.call("PATCH", &format!("/workspaces/{}", bob.id), Some(ADMIN), &patch).await.expect(200);
    world.beat(&bob, &json!({})).await.expect(200);
    let ids = [("a1", "a"), ("a2", "a"), ("b1", "b"), ("c1", "c")];
    for (id, lane) in ids {
        send(&world, &bob, id, lane).await;
    }
    let first = fetch(&world, &bob, 10).await;
    let names =
        |items: &[Value]| items.iter().map(|item| item["message_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(names(&first), ["a1", "b1"], "two at a time, and one of a lane");
    assert!(fetch(&world, &bob, 10).await.is_empty(), "it is full");
    world.beat(&bob, &json!({ "active_tasks": 2 })).await.expect(200);
    ack(&world, &bob, &first[0]).await.expect(200);
    let next = fetch(&world, &bob, 10).await;
    assert_eq!(next.len(), 1, "the report of two is older than the end of one: {next:?}");
    assert!(["a2", "c1"].contains(&next[0]["message_id"].as_str().unwrap()));
    world.sound(&bob.id).await;
}

#[tokio::test]
async fn a_lease_that_runs_out_is_another_attempt_and_its_answer_is_late() {
    let world = World::new().await;
    let bob = polling(&world, "bob").await;
    let queue_id = send(&world, &bob, "m1", "c").await;
    let mut lost = Vec::new();
    for attempt in 0..5 {
        world.beat(&bob, &json!({})).await.expect(200);
        let items = fetch(&world, &bob, 1).await;
        assert_eq!(
            (items.len(), &items[0]["attempts"]),
            (1, &json!(attempt)),
            "{}",
            state(&world, &bob, &queue_id).await
        );
        assert_eq!(items[0]["redelivered"], attempt > 0);
        lost.push(items[0].clone());
        for _ in 0..3 {
            world.advance(Duration::from_secs(41));
            world.beat(&bob, &json!({})).await.expect(200);
        }
        if attempt % 2 == 1 {
            world.sweep().await;
        }
    }
    assert!(fetch(&world, &bob, 1).await.is_empty());
    for item in &lost {
        assert_eq!(ack(&world, &bob, item).await.expect(409).code(), "late_result");
    }
    let seen = state(&world, &bob, &queue_id).await;
    assert_eq!(seen["status"], "failed", "{seen}");
    assert!(seen["reason"].as_str().unwrap().contains("5 attempts"), "{seen}");
    world.sound(&bob.id).await;
}

#[tokio::test]
async fn a_lease_is_extended_up_to_the_ceiling_of_a_turn() {
    let world = World::with(&[("MAX_TURN_SECONDS", "300"), ("TURN_GRACE_SECONDS", "10")]).await;
    let bob = polling(&world, "bob").await;
    send(&world, &bob, "m1", "c").await;
    let item = fetch(&world, &bob, 1).await.remove(0);
    let mut length = Vec::new();
    for _ in 0..5 {
        world.advance(Duration::from_secs(60));
        world.beat(&bob, &json!({ "active_tasks": 1 })).await.expect(200);
        world.sweep().await;
        let extended = settle(&world, &bob, &item, "extend", json!({ "seconds": 100 })).await.expect(200);
        length.push(extended.body["lease_seconds"].as_f64().unwrap());
    }
    assert_eq!(length, [100.0, 100.0, 100.0, 70.0, 10.0]);
    world.advance(Duration::from_secs(11));
    let over = settle(&world, &bob, &item, "extend", json!({})).await;
    assert_eq!(over.expect(409).code(), "late_result");
}

#[tokio::test]
async fn what_is_given_back_waits_and_keeps_its_place() {
    let world = World::new().await;
    let bob = polling(&world, "bob").await;
    let queue_id = send(&world, &bob, "m1", "c").await;
    send(&world, &bob, "m2", "c").await;
    let item = fetch(&world, &bob, 1).await.remove(0);
    let given_back = json!({ "delay_seconds": 30, "reason": "not now" });
    for _ in 0..2 {
        let answer = settle(&world, &bob, &item, "nack", given_back.clone()).await.expect(200);
        assert_eq!(answer.body["status"], "queued");
    }
    assert!(fetch(&world, &bob, 1).await.is_empty(), "and holds up its lane");
    let seen = state(&world, &bob, &queue_id).await;
    assert_eq!((&seen["status"], &seen["attempts"]), (&json!("queued"), &json!(0)));
    assert_eq!(seen["reason"], "the agent gave it back: not now");
    world.advance(Duration::from_secs(30));
    let again = fetch(&world, &bob, 1).await.remove(0);
    assert_eq!(again["message_id"], "m1");
    let late = settle(&world, &bob, &item, "nack", given_back).await;
    assert_eq!(late.expect(409).code(), "late_result", "somebody has it again");
    let failed = json!({ "status": "failed", "error": "I cannot" });
    for _ in 0..2 {
        settle(&world, &bob, &again, "ack", failed.clone()).await.expect(200);
    }
    let seen = state(&world, &bob, &queue_id).await;
    assert_eq!(seen["attempts"], 1);
    assert_eq!((&seen["status"], &seen["reason"]), (&json!("failed"), &json!("the agent could not do it: I cannot")));
    assert_eq!(fetch(&world, &bob, 1).await[0]["message_id"], "m2");
}

#[tokio::test]
async fn only_a_live_workspace_that_polls_fetches() {
    let world = World::new().await;
    let bob = polling(&world, "bob").await;
    send(&world, &bob, "m1", "c").await;
    let path = format!("/workspaces/{}/inbox", bob.id);
    world.advance(Duration::from_secs(70));
    let away = world.call("GET", &path, Some(&bob.token), &Value::Null).await.expect(409);
    assert_eq!((away.code(), &away.body["status"]), ("not_live", &json!("offline")));
    world.register(&bob, "http://127.0.0.1:9/").await.expect(200);
    assert_eq!(world.call("GET", &path, Some(&bob.token), &Value::Null).await.expect(409).code(), "not_polling");
}

/// Incident A: the inbox of an idle agent has a way out.
#[tokio::test]
async fn idle_poll_inbox_drains() {
    let world = World::new().await;
    let bob = polling(&world, "bob").await;
    for id in ["one", "two", "three"] {
        send(&world, &bob, id, "c").await;
    }
    let beat = world.beat(&bob, &json!({})).await.expect(200);
    assert_eq!((&beat.body["pending"], &beat.body["delivery_mode"]), (&json!(3), &json!("poll")));
    for id in ["one", "two", "three"] {
        let item = fetch(&world, &bob, 1).await.remove(0);
        assert_eq!(item["message_id"], id);
        ack(&world, &bob, &item).await.expect(200);
    }
    assert_eq!(world.beat(&bob, &json!({})).await.expect(200).body["pending"], 0);
}

/// Green heartbeats of an agent that does not fetch: it shows, it is still delivered to, and it passes.
#[tokio::test]
async fn an_agent_that_has_room_and_does_not_fetch_is_degraded() {
    let world = World::new().await;
    let bob = polling(&world, "bob").await;
    world.beat(&bob, &json!({})).await.expect(200);
    send(&world, &bob, "m1", "c").await;
    for _ in 0..5 {
        assert_eq!(world.show(&bob.id).await["status"], "online");
        world.beat(&bob, &json!({})).await.expect(200);
        world.advance(Duration::from_secs(30));
    }
    world.beat(&bob, &json!({})).await.expect(200);
    let shown = world.show(&bob.id).await;
    assert_eq!((&shown["status"], &shown["status_reason"]), (&json!("degraded"), &json!("queue_starved")), "{shown}");
    assert_eq!(shown["health"]["drain"]["state"], "failing");
    let events = world.events(&bob.id).await;
    world.advance(Duration::from_secs(30));
    world.beat(&bob, &json!({})).await.expect(200);
    assert_eq!(world.events(&bob.id).await, events, "it does not flap");
    let item = fetch(&world, &bob, 1).await.remove(0);
    ack(&world, &bob, &item).await.expect(200);
    world.beat(&bob, &json!({})).await.expect(200);
    assert_eq!(world.show(&bob.id).await["status"], "online");
    world.sound(&bob.id).await;
}

#[tokio::test]
async fn one_answer_carries_no_more_than_a_function_can_answer() {
    let world = World::new().await;
    let bob = polling(&world, "bob").await;
    let capacity = json!({ "max_concurrent_tasks": 10 });
    world.call("PATCH", &format!("/workspaces/{}", bob.id), Some(ADMIN), &capacity).await.expect(200);
    for n in 0..6 {
        let mut body = message(&format!("m{n}"));
        body["params"]["message"]["contextId"] = json!(format!("c{n}"));
        body["params"]["message"]["parts"][0]["text"] = json!("x".repeat(900 * 1024));
        world.call("POST", &format!("/workspaces/{}/a2a", bob.id), Some(ADMIN), &body).await.expect(202);
    }
    let mut got = Vec::new();
    for _ in 0..2 {
        let items = fetch(&world, &bob, 10).await;
        assert_eq!(items.len(), 3);
        got.extend(items.iter().map(|item| item["message_id"].as_str().unwrap().to_owned()));
    }
    assert_eq!(got, ["m0", "m1", "m2", "m3", "m4", "m5"]);
}
