//! What agents report of themselves, and how long it is kept.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{ADMIN, Agent, World};

async fn report(world: &World, agent: &Agent, body: &Value) {
    let path = format!("/workspaces/{}/activity", agent.id);
    let answer = world.call("POST", &path, Some(&agent.token), body).await.expect(200);
    assert_eq!(answer.body["status"], "logged");
}

async fn list(world: &World, agent: &Agent, query: &str) -> Vec<Value> {
    let path = format!("/workspaces/{}/activity{query}", agent.id);
    let answer = world.call("GET", &path, Some(&agent.token), &Value::Null).await.expect(200);
    answer.body.as_array().unwrap().clone()
}

fn summaries(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["summary"].as_str().unwrap_or_default()).collect()
}

#[tokio::test]
async fn what_an_agent_reports_is_read_newest_first() {
    let world = World::new().await;
    let bob = world.external("bob").await;
    report(&world, &bob, &json!({ "activity_type": "agent_log", "summary": "one" })).await;
    world.advance(Duration::from_millis(1));
    let full = json!({
        "activity_type": "a2a_send", "summary": "two", "method": "message/send", "target_id": "ann", "status": "error",
        "source_id": bob.id, "error_detail": "refused", "duration_ms": 12, "metadata": { "a": 1 }, "response_body": [2],
    });
    report(&world, &bob, &full).await;
    let rows = list(&world, &bob, "").await;
    assert_eq!(summaries(&rows), ["two", "one"]);
    let two = &rows[0];
    assert_eq!((&two["request_body"], &two["response_body"]), (&json!({ "a": 1 }), &json!([2])));
    assert_eq!((&two["status"], &two["duration_ms"], &two["source_id"]), (&json!("error"), &json!(12), &json!(bob.id)));
    assert_eq!((&rows[1]["status"], &rows[1]["method"]), (&json!("ok"), &Value::Null));
    assert!(rows[1].get("request_body").is_none(), "{}", rows[1]);
    assert_eq!(summaries(&list(&world, &bob, "?type=agent_log").await), ["one"]);
    assert_eq!(summaries(&list(&world, &bob, "?limit=1&source=agent").await), ["two"]);
    assert_eq!(list(&world, &bob, "?source=canvas").await.len(), 0);
}

#[tokio::test]
async fn a_report_that_cannot_be_kept_is_refused_with_its_reason() {
    let world = World::new().await;
    let (ann, bob) = (world.external("ann").await, world.external("bob").await);
    let path = format!("/workspaces/{}/activity", bob.id);
    let long = "x".repeat(100_001);
    for (body, status) in [
        (json!({}), 400),
        (json!({ "activity_type": "delegation" }), 400),
        (json!({ "activity_type": "error", "status": "fine" }), 400),
        (json!({ "activity_type": "error", "method": "two\nlines" }), 400),
        (json!({ "activity_type": "error", "summary": long }), 400),
        (json!({ "activity_type": "error", "duration_ms": -1 }), 400),
        (json!({ "activity_type": "error", "source_id": ann.id }), 403),
    ] {
        let answer = world.call("POST", &path, Some(&bob.token), &body).await.expect(status);
        assert!(!answer.body["error"].as_str().unwrap().is_empty());
    }
    for query in ["?type=none", "?source=both", "?limit=0", "?limit=501"] {
        world.call("GET", &format!("{path}{query}"), Some(&bob.token), &Value::Null).await.expect(400);
    }
    assert_eq!(list(&world, &bob, "").await.len(), 0);
    world.call("DELETE", &format!("/workspaces/{}?confirm=true", bob.id), Some(ADMIN), &Value::Null).await;
    let late = world.call("POST", &path, Some(ADMIN), &json!({ "activity_type": "error" })).await;
    assert_eq!(late.status, 410, "{}", late.text);
}

/// TTL collects late or never; what is shown goes by the time.
#[tokio::test]
async fn activity_events_and_ledger_end_with_the_retention_time() {
    let world = World::with(&[("ACTIVITY_RETENTION_DAYS", "2")]).await;
    let bob = world.external("bob").await;
    report(&world, &bob, &json!({ "activity_type": "agent_log", "summary": "old" })).await;
    let path = format!("/workspaces/{}/schedules", bob.id);
    let yearly = json!({ "name": "yearly", "cron_expr": "0 0 1 1 *", "prompt": "look", "overlap": "skip" });
    let made = world.call("POST", &path, Some(ADMIN), &yearly).await.expect(201).body;
    let schedule = format!("{path}/{}", made["id"].as_str().unwrap());
    let run = async || world.call("POST", &format!("{schedule}/run"), Some(ADMIN), &Value::Null).await.expect(200);
    run().await;
    world.advance(Duration::from_millis(1));
    run().await;
    let ledger = async || {
        let rows = world.call("GET", &format!("{schedule}/history"), Some(ADMIN), &Value::Null).await.expect(200).body;
        rows.as_array().unwrap().len()
    };
    assert_eq!((list(&world, &bob, "").await.len(), ledger().await), (1, 2));
    assert!(!world.events(&bob.id).await.is_empty());
    world.advance(Duration::from_secs(2 * 86_400 + 1));
    report(&world, &bob, &json!({ "activity_type": "agent_log", "summary": "new" })).await;
    assert_eq!(summaries(&list(&world, &bob, "").await), ["new"]);
    assert_eq!(world.events(&bob.id).await, [""; 0]);
    assert_eq!(ledger().await, 0);
}
