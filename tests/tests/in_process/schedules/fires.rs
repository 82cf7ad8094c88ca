//! What fires, when, once, and with what input.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{ADMIN, FakeAgent, Mood, World};

use super::{answer, create, get, minute, outcomes, patch, stop, tick};

#[tokio::test]
async fn a_schedule_fires_at_its_second_and_says_so() {
    let world = World::new().await;
    let agent = FakeAgent::start(answer()).await;
    let bob = world.online("bob", &agent.url).await;
    let id =
        create(&world, &bob, &json!({ "name": "check", "cron_expr": "*/2 * * * *", "prompt": "look\r\nhere" })).await;
    let shown = get(&world, &bob, &id, "").await;
    assert_eq!((&shown["next_run_at"], &shown["prompt"]), (&json!("2026-01-01T00:02:00.000Z"), &json!("look\nhere")));
    for _ in 0..3 {
        minute(&world).await;
        world.beat(&bob, &json!({})).await.expect(200);
    }
    assert_eq!(agent.got().len(), 1, "at minute 2 and not before");
    let got: Value = serde_json::from_str(&agent.got()[0].body).unwrap();
    let message = &got["params"]["message"];
    assert_eq!(message["parts"][0]["text"], "look\nhere");
    assert!(message["messageId"].as_str().unwrap().starts_with(&format!("cron-{}-", &id[..8])), "{message}");
    let row = &get(&world, &bob, &id, "/history").await[0];
    assert_eq!((&row["outcome"], &row["status"], &row["preview"]), (&json!("fired"), &json!("ok"), &json!("done")));
    assert_eq!((&row["nominal"], &row["prompt_revision"]), (&json!("2026-01-01T00:02:00.000Z"), &json!(1)));
    assert!(row["lateness_ms"].as_u64().unwrap() <= 5000, "{row}");
    assert!(world.events(&bob.id).await.contains(&"CRON_EXECUTED".to_owned()));
    let shown = get(&world, &bob, &id, "").await;
    assert_eq!((&shown["last_status"], &shown["run_count"]), (&json!("ok"), &json!(1)));
    assert_eq!(shown["coverage_24h"]["coverage"], 1.0);
    assert_eq!(shown["next_run_at"], "2026-01-01T00:04:00.000Z");
}

#[tokio::test]
async fn ticks_that_come_twice_late_and_at_once_fire_once() {
    let world = World::new().await;
    let agent = FakeAgent::start(answer()).await;
    let bob = world.online("bob", &agent.url).await;
    let id = create(&world, &bob, &json!({ "cron_expr": "* * * * *", "prompt": "look" })).await;
    for _ in 0..5 {
        tokio::join!(tick(&world), tick(&world), tick(&world));
        world.advance(Duration::from_secs(60));
        let due = world.platform.now();
        let (workspace, schedule) = (bob.id.parse().unwrap(), id.parse().unwrap());
        let at_once = (0..4).map(|_| world.platform.place_fires(workspace, schedule, due));
        for placed in futures::future::join_all(at_once).await {
            placed.unwrap();
        }
        world.beat(&bob, &json!({})).await.expect(200);
        world.settle().await;
    }
    assert_eq!(outcomes(&world, &bob, &id).await, ["fired"; 5]);
    assert_eq!(agent.got().len(), 5);
}

#[tokio::test]
async fn reminders_of_a_schedule_of_each_minute_do_not_become_more() {
    let world = World::new().await;
    let agent = FakeAgent::start(answer()).await;
    let bob = world.online("bob", &agent.url).await;
    create(&world, &bob, &json!({ "cron_expr": "* * * * *", "prompt": "look" })).await;
    let mut requests = Vec::new();
    for _ in 0..20 {
        world.gate.take_operations();
        minute(&world).await;
        world.beat(&bob, &json!({})).await.expect(200);
        world.settle().await;
        requests.push(world.gate.take_operations().iter().filter(|operation| *operation == "SendMessage").count());
    }
    let (early, late) = (requests[4], requests[19]);
    assert!(late <= early + 2, "sent a minute, from the first on: {requests:?}");
    assert_eq!(agent.got().len(), 20);
}

#[tokio::test]
async fn tick_reads_the_prompt_at_dispatch() {
    let world = World::new().await;
    let agent = FakeAgent::start(answer()).await;
    let bob = world.online("bob", &agent.url).await;
    world.beat(&bob, &json!({ "active_tasks": 1 })).await.expect(200);
    let id = create(&world, &bob, &json!({ "cron_expr": "*/5 * * * *", "prompt": "old" })).await;
    for _ in 0..6 {
        minute(&world).await;
        world.beat(&bob, &json!({ "active_tasks": 1 })).await.expect(200);
    }
    assert_eq!((agent.got().len(), outcomes(&world, &bob, &id).await), (0, vec!["pending".to_owned()]));
    patch(&world, &bob, &id, &json!({ "prompt": "new" })).await;
    world.beat(&bob, &json!({ "active_tasks": 0 })).await.expect(200);
    world.settle().await;
    let got: Value = serde_json::from_str(&agent.got()[0].body).unwrap();
    assert_eq!(got["params"]["message"]["parts"][0]["text"], "new");
    let row = &get(&world, &bob, &id, "/history").await[0];
    assert_eq!((&row["outcome"], &row["prompt_revision"]), (&json!("fired"), &json!(2)));
    // What is on record is what was sent.
    let path = format!("/workspaces/{}/a2a/queue/{}", bob.id, row["queue_id"].as_str().unwrap());
    let shown = world.call("GET", &path, Some(ADMIN), &Value::Null).await.expect(200);
    assert!(!shown.text.contains("old"), "{}", shown.text);
}

#[tokio::test]
async fn every_fire_has_one_outcome_while_the_agent_is_busy() {
    let world = World::new().await;
    let agent = FakeAgent::start(answer()).await;
    let bob = world.online("bob", &agent.url).await;
    let id = create(&world, &bob, &json!({ "name": "half", "cron_expr": "*/30 * * * *", "prompt": "look" })).await;
    let busy = json!({ "active_tasks": 1 });
    world.beat(&bob, &busy).await.expect(200);
    for _ in 0..6 * 60 {
        tick(&world).await;
        world.advance(Duration::from_secs(60));
        world.settle().await;
        world.beat(&bob, &busy).await.expect(200);
    }
    let rows = outcomes(&world, &bob, &id).await;
    assert_eq!(rows, [vec!["coalesced"; 11], vec!["pending"]].concat(), "twelve fires in six hours, none lost");
    let shown = get(&world, &bob, &id, "").await;
    assert_eq!(shown["consecutive_not_fired"], 12);
    assert_eq!(world.show(&bob.id).await["consecutive_bounced"], 12);
    assert_eq!(
        (&shown["starving"]["count"], &shown["starving"]["since"]),
        (&json!(12), &json!("2026-01-01T00:30:00.000Z"))
    );
    assert!(shown["starving"]["blocked_by"].as_str().unwrap().contains("turn of its own since"), "{shown}");
    let told = get(&world, &bob, &id, "/explain").await;
    assert!(told["summary"].as_str().unwrap().contains("a fire waits until there is room"), "{told}");
    let all = world.call("GET", "/admin/schedules/health", Some(ADMIN), &Value::Null).await.expect(200);
    assert_eq!((&all.body[0]["status"], &all.body[0]["workspace_name"]), (&json!("starved"), &json!("bob")));

    world.beat(&bob, &json!({ "active_tasks": 0 })).await.expect(200);
    world.settle().await;
    assert_eq!(outcomes(&world, &bob, &id).await.last().unwrap(), "fired");
    let turns = agent.got().iter().filter(|got| got.body.contains(r#""kind":"cron""#)).count();
    assert_eq!(turns, 1, "one turn for all that were coalesced");
    assert_eq!(get(&world, &bob, &id, "").await["starving"], Value::Null);
    assert_eq!(world.show(&bob.id).await["consecutive_bounced"], 0);
}

#[tokio::test]
async fn paused_skips_and_disabled_has_no_fires() {
    let world = World::new().await;
    let agent = FakeAgent::start(answer()).await;
    let bob = world.online("bob", &agent.url).await;
    let id = create(&world, &bob, &json!({ "cron_expr": "* * * * *", "prompt": "look" })).await;
    stop(&world, &bob, rules::Status::Paused).await;
    minute(&world).await;
    tick(&world).await;
    world.settle().await;
    assert_eq!(outcomes(&world, &bob, &id).await, ["skipped"]);
    let row = &get(&world, &bob, &id, "/history").await[0];
    assert_eq!(row["reason"], "the workspace is paused");
    let refused =
        world.call("POST", &format!("/workspaces/{}/schedules/{id}/run", bob.id), Some(ADMIN), &Value::Null).await;
    assert_eq!((refused.status, refused.code()), (409, "workspace_paused"));
    patch(&world, &bob, &id, &json!({ "enabled": false })).await;
    for _ in 0..3 {
        minute(&world).await;
    }
    assert_eq!(outcomes(&world, &bob, &id).await, ["skipped"]);
    let shown = patch(&world, &bob, &id, &json!({ "enabled": true })).await;
    assert_eq!(shown["next_run_at"], "2026-01-01T00:05:00.000Z", "counts from now");
    assert_eq!(agent.got().len(), 0);
}

#[tokio::test]
async fn run_fires_now_through_the_same_gate() {
    let world = World::new().await;
    let agent = FakeAgent::start(answer()).await;
    let bob = world.online("bob", &agent.url).await;
    let yearly = json!({ "cron_expr": "0 0 1 1 *", "prompt": "look", "enabled": false, "overlap": "skip" });
    let id = create(&world, &bob, &yearly).await;
    world.beat(&bob, &json!({ "active_tasks": 1 })).await.expect(200);
    let run = format!("/workspaces/{}/schedules/{id}/run", bob.id);
    let first = world.call("POST", &run, Some(&bob.token), &Value::Null).await.expect(200).body;
    assert_eq!(
        (&first["status"], &first["prompt"], &first["outcome"]),
        (&json!("fired"), &json!("look"), &json!("pending"))
    );
    world.advance(Duration::from_secs(1));
    let second = world.call("POST", &run, Some(&bob.token), &Value::Null).await.expect(200).body;
    assert_eq!((&second["status"], &second["outcome"]), (&json!("skipped"), &json!("skipped")));
    world.beat(&bob, &json!({ "active_tasks": 0 })).await.expect(200);
    world.settle().await;
    assert_eq!(agent.got().len(), 1);
    assert_eq!(outcomes(&world, &bob, &id).await, ["fired", "skipped"]);
    let shown = get(&world, &bob, &id, "").await;
    assert_eq!(shown["coverage_24h"]["nominal"], 0, "only fires by time count");
}

#[tokio::test]
async fn hours_without_the_platform_are_missed_in_one_row() {
    let world = World::new().await;
    let agent = FakeAgent::start(answer()).await;
    let bob = world.online("bob", &agent.url).await;
    let id = create(&world, &bob, &json!({ "cron_expr": "*/30 * * * *", "prompt": "look" })).await;
    world.advance(Duration::from_secs(4 * 3600 + 600));
    tick(&world).await;
    world.settle().await;
    assert_eq!(get(&world, &bob, &id, "/history?before=2020-01-01T00:00:00Z").await, json!([]), "beyond what is kept");
    assert_eq!(get(&world, &bob, &id, "/history?before=2026-01-01T04:00:00Z").await.as_array().unwrap().len(), 1);
    let rows = get(&world, &bob, &id, "/history").await;
    assert_eq!((&rows[1]["outcome"], &rows[1]["count"]), (&json!("missed"), &json!(7)));
    assert_eq!(
        (&rows[1]["from"], &rows[1]["to"]),
        (&json!("2026-01-01T00:30:00.000Z"), &json!("2026-01-01T03:30:00.000Z"))
    );
    assert_eq!((&rows[0]["outcome"], &rows[0]["nominal"]), (&json!("pending"), &json!("2026-01-01T04:00:00.000Z")));
    world.beat(&bob, &json!({})).await.expect(200);
    world.settle().await;
    assert_eq!(outcomes(&world, &bob, &id).await, ["missed", "fired"]);
    let shown = get(&world, &bob, &id, "").await;
    assert_eq!((&shown["coverage_24h"]["nominal"], &shown["coverage_24h"]["fired"]), (&json!(8), &json!(1)));
}

#[tokio::test]
async fn a_newer_fire_cancels_the_running_one_where_that_is_asked_for() {
    let world = World::new().await;
    let agent = FakeAgent::start(Mood::Later).await;
    let bob = world.online("bob", &agent.url).await;
    let body = json!({ "cron_expr": "* * * * *", "prompt": "look", "overlap": "cancel_running" });
    let id = create(&world, &bob, &body).await;
    for _ in 0..3 {
        tick(&world).await;
        world.advance(Duration::from_secs(60));
        world.beat(&bob, &json!({})).await.expect(200);
        world.settle().await;
    }
    assert_eq!(outcomes(&world, &bob, &id).await, ["failed", "failed", "running"]);
}

#[tokio::test]
async fn an_eventbridge_rule_of_the_users_own_fires_once() {
    let world = World::new().await;
    let agent = FakeAgent::start(answer()).await;
    let bob = world.online("bob", &agent.url).await;
    let id = create(&world, &bob, &json!({ "cron_expr": "0 0 1 1 *", "prompt": "by rule" })).await;
    for event in
        [json!({ "workspace_id": bob.id, "schedule_id": id }), json!({ "workspace_id": bob.id, "prompt": "just this" })]
    {
        world.invoke("tick", &event).await;
        world.invoke("tick", &event).await;
        world.beat(&bob, &json!({})).await.expect(200);
        world.settle().await;
    }
    let texts: Vec<String> = agent
        .got()
        .iter()
        .map(|got| {
            serde_json::from_str::<Value>(&got.body).unwrap()["params"]["message"]["parts"][0]["text"].to_string()
        })
        .collect();
    assert_eq!(texts, ["\"by rule\"", "\"just this\""]);
    let row = &get(&world, &bob, &id, "/history").await[0];
    assert_eq!((&row["trigger"], &row["outcome"]), (&json!("rule"), &json!("fired")));
    // Twice, on both sides of a minute's edge, but of one id.
    let event = json!({ "workspace_id": bob.id, "prompt": "of one id", "event_id": "e-1" });
    world.invoke("tick", &event).await;
    world.advance(Duration::from_secs(60));
    world.invoke("tick", &event).await;
    world.beat(&bob, &json!({})).await.expect(200);
    world.settle().await;
    assert_eq!(agent.got().len(), 3);
    for nonsense in [json!({ "workspace_id": "x" }), json!({ "workspace_id": bob.id }), json!({ "workspace_id": 5 })] {
        world.invoke("tick", &nonsense).await;
    }
}
