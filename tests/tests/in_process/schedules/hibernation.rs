//! Workspaces that are stopped for idleness, and what wakes them.

use serde_json::{Value, json};
use tests::{ADMIN, FakeAgent, World};

use super::{answer, create, get, minute, outcomes, stop, tick};

#[tokio::test]
async fn a_hibernated_workspace_wakes_ahead_of_its_fire() {
    let world = World::new().await;
    let agent = FakeAgent::start(answer()).await;
    let bob = world.online("bob", &agent.url).await;
    let id = create(&world, &bob, &json!({ "cron_expr": "*/10 * * * *", "prompt": "look" })).await;
    stop(&world, &bob, rules::Status::Hibernated).await;
    for _ in 0..8 {
        minute(&world).await;
    }
    assert_eq!(
        world.show(&bob.id).await["status"],
        "hibernated",
        "its fire is more than two minutes away from each tick so far"
    );
    for _ in 0..2 {
        minute(&world).await;
        assert_eq!(world.show(&bob.id).await["status"], "provisioning");
    }
    let woken = world.events(&bob.id).await.into_iter().filter(|event| event == "WORKSPACE_PROVISIONING").count();
    assert_eq!(woken, 1);
    world.beat(&bob, &json!({})).await.expect(200);
    minute(&world).await;
    tick(&world).await;
    world.settle().await;
    assert_eq!(outcomes(&world, &bob, &id).await, ["fired"]);
    assert_eq!(get(&world, &bob, &id, "/history").await[0]["nominal"], "2026-01-01T00:10:00.000Z");
    assert_eq!(agent.got().len(), 1);
}

#[tokio::test]
async fn a_message_wakes_whom_no_tick_woke() {
    let world = World::new().await;
    let agent = FakeAgent::start(answer()).await;
    let bob = world.online("bob", &agent.url).await;
    let id = create(&world, &bob, &json!({ "cron_expr": "0 0 1 1 *", "prompt": "look" })).await;
    stop(&world, &bob, rules::Status::Hibernated).await;
    world.settle().await;
    let run = format!("/workspaces/{}/schedules/{id}/run", bob.id);
    world.call("POST", &run, Some(ADMIN), &Value::Null).await.expect(200);
    world.settle().await;
    assert_eq!(world.show(&bob.id).await["status"], "provisioning");
    assert_eq!(agent.got().len(), 0);
    world.beat(&bob, &json!({})).await.expect(200);
    world.settle().await;
    assert_eq!(agent.got().len(), 1);
}
