//! AWS requests per thing done. The README's cost table states these; change both together.

use std::collections::BTreeMap;

use serde_json::json;
use tests::cost::{FIRE, FOUND_PLACED, MESSAGE, SWEEP, TICK};
use tests::{ADMIN, FakeAgent, Mood, World};

fn counted(operations: Vec<String>) -> BTreeMap<String, usize> {
    operations.into_iter().fold(BTreeMap::new(), |mut counts, operation| {
        *counts.entry(operation).or_default() += 1;
        counts
    })
}

fn expected(counts: &[(&str, usize)]) -> BTreeMap<String, usize> {
    counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

#[tokio::test]
async fn a_message_costs_what_the_readme_says() {
    let world = World::new().await;
    let agent = FakeAgent::start(Mood::Answer("{}".into())).await;
    let bob = world.online("bob", &agent.url).await;
    world.beat(&bob, &json!({})).await.expect(200);
    world.settle().await;
    world.gate.take_operations();
    world.gate.take_usage();

    let body =
        json!({ "method": "message/send", "params": { "message": { "role": "user", "parts": [{ "text": "x" }] } } });
    world.call("POST", &format!("/workspaces/{}/a2a", bob.id), Some(ADMIN), &body).await.expect(202);
    let accept = counted(world.gate.take_operations());
    assert_eq!(accept, expected(&[("BatchGetItem", 2), ("TransactWriteItems", 1), ("SendMessage", 2), ("GetItem", 1)]));

    let wake = json!({ "kind": "drain", "workspace_id": bob.id }).to_string();
    let event = json!({ "Records": [{ "messageId": "wake", "body": wake }] });
    assert_eq!(world.invoke("dispatch", &event).await["batchItemFailures"], json!([]));
    assert_eq!(agent.got().len(), 1);
    let delivery = counted(world.gate.take_operations());
    assert_eq!(
        delivery,
        expected(&[
            ("BatchGetItem", 5),
            ("TransactWriteItems", 4),
            ("GetItem", 1),
            ("ReceiveMessage", 2),
            ("ChangeMessageVisibility", 1),
            ("DeleteMessage", 1),
        ])
    );
    assert_eq!(world.gate.take_usage(), MESSAGE);
}

#[tokio::test]
async fn an_idle_sweep_costs_what_the_readme_says() {
    let world = World::new().await;
    world.sweep().await;
    world.gate.take_operations();
    world.gate.take_usage();
    world.sweep().await;
    assert_eq!(world.gate.take_usage(), SWEEP);
    let sweep = counted(world.gate.take_operations());
    assert_eq!(sweep, expected(&[("Query", 25), ("PutItem", 3)]));
}

#[tokio::test]
async fn a_fire_and_an_idle_tick_cost_what_the_readme_says() {
    let world = World::new().await;
    let agent = FakeAgent::start(Mood::Answer("{}".into())).await;
    let bob = world.online("bob", &agent.url).await;
    let tick = json!({ "source": "aws.events", "detail-type": "Scheduled Event", "detail": {} });
    world.invoke("tick", &tick).await;
    world.gate.take_operations();
    world.gate.take_usage();
    world.invoke("tick", &tick).await;
    assert_eq!(world.gate.take_usage(), TICK);
    let idle = counted(world.gate.take_operations());
    assert_eq!(idle, expected(&[("Query", 4), ("PutItem", 1), ("SendMessage", 1)]));

    // The second look of the ticks.
    world.advance(std::time::Duration::from_secs(31));
    world.settle().await;
    let hourly = json!({ "cron_expr": "0 * * * *", "prompt": "look" });
    let path = format!("/workspaces/{}/schedules", bob.id);
    let made = world.call("POST", &path, Some(ADMIN), &hourly).await.expect(201);
    world.advance(std::time::Duration::from_secs(3600));
    world.beat(&bob, &json!({})).await.expect(200);
    world.gate.take_operations();
    world.gate.take_usage();
    let due = json!({
        "kind": "fire", "workspace_id": bob.id, "schedule_id": made.body["id"], "due": world.platform.now().millis(),
    });
    let event = json!({ "Records": [{ "messageId": "fire", "body": due.to_string() }] });
    assert_eq!(world.invoke("timers", &event).await["batchItemFailures"], json!([]));
    let placed = counted(world.gate.take_operations());
    assert_eq!(placed, expected(&[("GetItem", 1), ("BatchGetItem", 2), ("TransactWriteItems", 1), ("SendMessage", 2)]));
    let wake = json!({ "kind": "drain", "workspace_id": bob.id }).to_string();
    let event = json!({ "Records": [{ "messageId": "wake", "body": wake }] });
    assert_eq!(world.invoke("dispatch", &event).await["batchItemFailures"], json!([]));
    assert_eq!(agent.got().len(), 1);
    let turn = counted(world.gate.take_operations());
    assert_eq!(
        turn,
        expected(&[
            ("BatchGetItem", 9),
            ("TransactWriteItems", 4),
            ("GetItem", 2),
            ("Query", 2),
            ("ReceiveMessage", 2),
            ("ChangeMessageVisibility", 1),
            ("DeleteMessage", 1),
        ])
    );
    assert_eq!(world.gate.take_usage(), FIRE);

    // The ticks remind of it several times.
    let event = json!({ "Records": [{ "messageId": "again", "body": due.to_string() }] });
    assert_eq!(world.invoke("timers", &event).await["batchItemFailures"], json!([]));
    assert_eq!(counted(world.gate.take_operations()), expected(&[("GetItem", 1), ("BatchGetItem", 1)]));
    assert_eq!(world.gate.take_usage(), FOUND_PLACED);
}
