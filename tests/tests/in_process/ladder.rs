//! Turns that do not end: asked to wrap up, told to stop, started anew; each rung once, with its event.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{ADMIN, Agent, FakeAgent, Mood, World};

async fn send(world: &World, agent: &Agent) -> String {
    let body =
        json!({ "method": "message/send", "params": { "message": { "role": "user", "parts": [{ "text": "x" }] } } });
    let sent = world.call("POST", &format!("/workspaces/{}/a2a", agent.id), Some(ADMIN), &body).await.expect(202);
    world.settle().await;
    sent.body["queue_id"].as_str().unwrap().to_owned()
}

/// Time goes by, with heartbeats of a busy agent and the minute's sweep.
async fn minutes(world: &World, agent: &Agent, minutes: u32) {
    for _ in 0..minutes {
        for _ in 0..2 {
            world.advance(Duration::from_secs(30));
            world.beat(agent, &json!({ "active_tasks": 1 })).await.expect(200);
        }
        world.sweep().await;
        world.settle().await;
    }
}

fn kinds(agent: &FakeAgent) -> Vec<String> {
    let kind = |body: &str| {
        let body: Value = serde_json::from_str(body).unwrap();
        body["params"]["message"]["metadata"]["kind"].as_str().map(str::to_owned)
    };
    agent.got().iter().filter_map(|got| kind(&got.body)).collect()
}

#[tokio::test]
async fn a_delivery_that_never_ends_costs_one_ceiling_and_no_more() {
    let world = World::new().await;
    let agent = FakeAgent::start(Mood::Later).await;
    let bob = world.online("bob", &agent.url).await;
    // The platform runs it.
    let record = world.platform.store.workspace(bob.id.parse().unwrap()).await.unwrap().unwrap();
    let managed =
        rules::workspace::Workspace { runtime: "langgraph".to_owned(), version: record.version + 1, ..record };
    world.platform.store.transaction().put_workspace(&managed).commit().await.unwrap();
    let (first, second) = (send(&world, &bob).await, send(&world, &bob).await);
    minutes(&world, &bob, 47).await;
    assert_eq!(kinds(&agent), [""; 0]);
    minutes(&world, &bob, 2).await;
    assert_eq!(kinds(&agent), ["checkpoint_and_exit"], "at four fifths of the hour");
    let shown = world.show(&bob.id).await;
    assert_eq!((&shown["turn_rung"], &shown["session_queue_id"]), (&json!("wrap_up"), &json!(first)));
    assert!(shown["session_age_seconds"].as_u64().unwrap() >= 2880);
    let told = world.beat(&bob, &json!({ "active_tasks": 1 })).await.expect(200);
    assert_eq!(told.body["control"][0]["kind"], "checkpoint_and_exit", "{}", told.text);
    assert_eq!(told.body["control"][0]["queue_id"], json!(first));
    minutes(&world, &bob, 11).await;
    assert_eq!(kinds(&agent), ["checkpoint_and_exit", "cancel"], "at the ceiling");
    minutes(&world, &bob, 2).await;
    assert_eq!(kinds(&agent), ["checkpoint_and_exit", "cancel", "restart"], "when the grace is over");
    let entry = |id: &str| format!("/workspaces/{}/a2a/queue/{id}", bob.id);
    let ended = world.call("GET", &entry(&first), Some(ADMIN), &Value::Null).await.expect(200).body;
    assert_eq!(ended["status"], "failed");
    assert!(ended["reason"].as_str().unwrap().starts_with("turn_ceiling: "), "{ended}");
    let events = world.events(&bob.id).await;
    for event in ["TURN_WRAP_UP", "TURN_CANCELLED", "TURN_RESTARTED"] {
        assert_eq!(events.iter().filter(|told| *told == event).count(), 1, "{event} in {events:?}");
    }
    // Started anew, it takes the next message.
    world.beat(&bob, &json!({ "active_tasks": 0 })).await.expect(200);
    world.settle().await;
    let next = world.call("GET", &entry(&second), Some(ADMIN), &Value::Null).await.expect(200).body;
    assert_eq!(next["status"], "delivered");
    let told = world.beat(&bob, &json!({ "active_tasks": 1 })).await.expect(200);
    assert_eq!(told.body["control"], Value::Null);
    assert_eq!(world.show(&bob.id).await["turn_rung"], Value::Null);
}

#[tokio::test]
async fn a_fire_that_waits_for_longer_than_its_interval_asks_the_turn_to_wrap_up() {
    let world = World::new().await;
    let agent = FakeAgent::start(Mood::Answer("{}".into())).await;
    let bob = world.online("bob", &agent.url).await;
    // A session of the agent's own, for which the platform has no message.
    world.beat(&bob, &json!({ "active_tasks": 1 })).await.expect(200);
    let body = json!({ "cron_expr": "*/10 * * * *", "prompt": "look" });
    world.call("POST", &format!("/workspaces/{}/schedules", bob.id), Some(ADMIN), &body).await.expect(201);
    let tick = json!({ "source": "aws.events", "detail-type": "Scheduled Event", "detail": {} });
    let mut asked = None;
    for minute in 1..40 {
        world.invoke("tick", &tick).await;
        minutes(&world, &bob, 1).await;
        if asked.is_none() && kinds(&agent) == ["checkpoint_and_exit"] {
            asked = Some(minute);
        }
    }
    assert!(asked.is_some_and(|minute| (20..=22).contains(&minute)), "asked at minute {asked:?}");
    assert_eq!(kinds(&agent), ["checkpoint_and_exit"], "once");
    let told = world.beat(&bob, &json!({ "active_tasks": 1 })).await.expect(200);
    assert_eq!(told.body["control"][0]["kind"], "checkpoint_and_exit", "{}", told.text);
    let path = format!("/workspaces/{}/schedules", bob.id);
    let schedule = world.call("GET", &path, Some(ADMIN), &Value::Null).await.expect(200).body[0].take();
    let workspace = world.show(&bob.id).await;
    assert_eq!((&schedule["turn_rung"], &schedule["busy_since"]), (&json!("wrap_up"), &workspace["busy_since"]));
    assert!(schedule["session_age_seconds"].as_u64().unwrap() >= 39 * 60, "{schedule}");
    assert_eq!(schedule["consecutive_bounced"], workspace["consecutive_bounced"]);
    world.beat(&bob, &json!({ "active_tasks": 0 })).await.expect(200);
    world.settle().await;
    assert_eq!(kinds(&agent), ["checkpoint_and_exit", "cron"], "the newest fire starts");
}
