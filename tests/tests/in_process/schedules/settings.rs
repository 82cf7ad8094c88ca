//! What may be set of a schedule, and what becomes of one that is deleted or cannot be read.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{ADMIN, FakeAgent, World};

use super::{answer, create, get, minute, outcomes, patch, tick};

#[tokio::test]
async fn names_are_unique_and_free_again() {
    let world = World::new().await;
    let bob = world.external("bob").await;
    let eve = world.external("eve").await;
    let body = json!({ "name": "a", "cron_expr": "* * * * *", "prompt": "p" });
    let id = create(&world, &bob, &body).await;
    create(&world, &eve, &body).await;
    let path = format!("/workspaces/{}/schedules", bob.id);
    let taken = world.call("POST", &path, Some(&bob.token), &body).await;
    assert_eq!((taken.status, taken.code()), (409, "name_taken"));
    let unnamed = json!({ "cron_expr": "* * * * *", "prompt": "p" });
    let other = create(&world, &bob, &unnamed).await;
    let taken = world.call("POST", &path, Some(&bob.token), &unnamed).await;
    assert_eq!((taken.status, taken.code()), (409, "name_taken"), "two without a name have the same");
    let rename = world.call("PATCH", &format!("{path}/{other}"), Some(&bob.token), &json!({ "name": "a" })).await;
    assert_eq!((rename.status, rename.code()), (409, "name_taken"));
    patch(&world, &bob, &id, &json!({ "name": "b" })).await;
    patch(&world, &bob, &other, &json!({ "name": "a" })).await;
    world.call("DELETE", &format!("{path}/{id}"), Some(&bob.token), &Value::Null).await.expect(200);
    world.call("DELETE", &format!("{path}/{id}"), Some(&bob.token), &Value::Null).await.expect(404);
    create(&world, &bob, &json!({ "name": "b", "cron_expr": "* * * * *", "prompt": "p" })).await;
}

#[tokio::test]
async fn what_is_deleted_fires_no_more() {
    let world = World::new().await;
    let agent = FakeAgent::start(answer()).await;
    let bob = world.online("bob", &agent.url).await;
    world.beat(&bob, &json!({ "active_tasks": 1 })).await.expect(200);
    let id = create(&world, &bob, &json!({ "name": "a", "cron_expr": "* * * * *", "prompt": "p" })).await;
    create(&world, &bob, &json!({ "name": "b", "cron_expr": "* * * * *", "prompt": "p" })).await;
    minute(&world).await;
    minute(&world).await;
    world
        .call("DELETE", &format!("/workspaces/{}/schedules/{id}", bob.id), Some(ADMIN), &Value::Null)
        .await
        .expect(200);
    let open = format!("/workspaces/{}/a2a/queue?open=true", bob.id);
    let queue = world.call("GET", &open, Some(ADMIN), &Value::Null).await.expect(200);
    assert_eq!(queue.body["items"].as_array().unwrap().len(), 1, "{}", queue.text);
    world.call("DELETE", &format!("/workspaces/{}", bob.id), Some(ADMIN), &Value::Null).await.expect(200);
    assert!(world.platform.store.schedules(bob.id.parse().unwrap()).await.unwrap().is_empty());
    let until = world.platform.now() + Duration::from_secs(86_400);
    assert!(world.platform.store.due_fires(until).await.unwrap().is_empty());
}

#[tokio::test]
async fn one_bad_schedule_stops_no_other() {
    let world = World::new().await;
    let agent = FakeAgent::start(answer()).await;
    let bob = world.online("bob", &agent.url).await;
    let bad = create(&world, &bob, &json!({ "name": "bad", "cron_expr": "* * * * *", "prompt": "p" })).await;
    let good = create(&world, &bob, &json!({ "name": "good", "cron_expr": "* * * * *", "prompt": "p" })).await;
    let (workspace, schedule) = (bob.id.parse().unwrap(), bad.parse().unwrap());
    let mut broken = world.platform.store.schedule(workspace, schedule).await.unwrap().unwrap();
    broken.cron_expr = "of another release".to_owned();
    broken.version += 1;
    world.platform.store.transaction().put_schedule(&broken).commit().await.unwrap();
    minute(&world).await;
    tick(&world).await;
    world.beat(&bob, &json!({})).await.expect(200);
    world.settle().await;
    assert_eq!(outcomes(&world, &bob, &good).await, ["fired"]);
    let shown = get(&world, &bob, &bad, "").await;
    assert_eq!((&shown["enabled"], &shown["next_run_at"]), (&json!(false), &Value::Null));
    assert!(shown["last_error"].as_str().unwrap().contains("5 fields"), "{shown}");
}

#[tokio::test]
async fn the_schedulers_age_is_told() {
    let world = World::new().await;
    tick(&world).await;
    world.advance(Duration::from_secs(31));
    world.settle().await;
    let told = world.call("GET", "/admin/liveness", Some(ADMIN), &Value::Null).await.expect(200);
    assert_eq!(told.body["subsystems"]["scheduler"]["seconds_ago"], 0, "it looks twice a minute");
}

#[tokio::test]
async fn bad_settings_name_the_field() {
    let world = World::new().await;
    let bob = world.external("bob").await;
    let path = format!("/workspaces/{}/schedules", bob.id);
    for (body, told) in [
        (json!({ "prompt": "p" }), "cron_expr and prompt are required"),
        (json!({ "cron_expr": "* * * * *" }), "cron_expr and prompt are required"),
        (json!({ "cron_expr": "0 0 30 2 *", "prompt": "p" }), "cron_expr: names a day that no year has"),
        (json!({ "cron_expr": "* * * * *", "prompt": "p", "timezone": "Mars" }), "timezone: is not a time zone"),
        (json!({ "cron_expr": "* * * * *", "prompt": " \r\n" }), "prompt must say"),
        (json!({ "cron_expr": "* * * * *", "prompt": "p", "jitter_seconds": 3601 }), "jitter_seconds: must be"),
        (json!({ "cron_expr": "* * * * *", "prompt": "p", "deadline_seconds": 0 }), "deadline_seconds: must be"),
        (json!({ "cron_expr": "* * * * *", "prompt": "p", "name": "a\nb" }), "name: must be one line"),
    ] {
        let refused = world.call("POST", &path, Some(&bob.token), &body).await;
        assert_eq!(refused.status, 400, "{body}: {}", refused.text);
        assert!(refused.text.contains(told), "{body}: {}", refused.text);
    }
    let large = json!({ "cron_expr": "* * * * *", "prompt": "p".repeat(256 * 1024 + 1) });
    world.call("POST", &path, Some(&bob.token), &large).await.expect(413);
    let listed = world.call("GET", &path, Some(&bob.token), &Value::Null).await.expect(200);
    assert_eq!(listed.body, json!([]));
}
