//! Looking after a queue: lists, cancel, replay, expiry, dead letters, stale ones; and what wakes a drain.

use std::time::Duration;

use platform::queues::{Buried, Reminder};
use serde_json::{Value, json};
use tests::api::message;
use tests::{ADMIN, Agent, FakeAgent, Mood, World};

async fn send(world: &World, to: &Agent, id: &str, from: &str, headers: &[(&str, &str)]) -> String {
    let path = format!("/workspaces/{}/a2a", to.id);
    let mut body = message(id);
    body["params"]["message"]["metadata"] = json!({});
    let sent = world.raw("POST", &path, Some(from), headers, body.to_string().as_bytes()).await.expect(202);
    sent.body["queue_id"].as_str().unwrap().to_owned()
}

async fn get(world: &World, path: &str, token: &str) -> Value {
    world.call("GET", path, Some(token), &Value::Null).await.expect(200).body
}

fn entry(agent: &Agent, queue_id: &str) -> String {
    format!("/workspaces/{}/a2a/queue/{queue_id}", agent.id)
}

async fn status(world: &World, agent: &Agent, queue_id: &str) -> String {
    get(world, &entry(agent, queue_id), ADMIN).await["status"].as_str().unwrap().to_owned()
}

/// All that waits in one of the shared queues, taken out.
async fn take_all(world: &World, url: &str) -> Vec<String> {
    let client = world.platform.queues.client();
    let mut bodies = Vec::new();
    loop {
        let batch = client.receive_message().queue_url(url).max_number_of_messages(10).send().await.unwrap();
        let Some(messages) = batch.messages.filter(|messages| !messages.is_empty()) else { return bodies };
        for message in messages {
            client
                .delete_message()
                .queue_url(url)
                .receipt_handle(message.receipt_handle.unwrap())
                .send()
                .await
                .unwrap();
            bodies.push(message.body.unwrap());
        }
    }
}

#[tokio::test]
async fn lists_are_paged_filtered_and_show_each_only_its_own() {
    let world = World::new().await;
    let (alice, bob) = (world.online("alice", "http://127.0.0.1:9/").await, world.external("bob").await);
    let mut ids = Vec::new();
    for number in 0..7 {
        let from = if number % 2 == 0 { ADMIN } else { &alice.token };
        ids.push(send(&world, &bob, &format!("m{number}"), from, &[]).await);
    }
    world.call("DELETE", &entry(&bob, &ids[6]), Some(ADMIN), &Value::Null).await.expect(200);
    let path = format!("/workspaces/{}/a2a/queue", bob.id);
    let shown = |page: &Value| -> Vec<String> {
        page["items"].as_array().unwrap().iter().map(|item| item["queue_id"].as_str().unwrap().to_owned()).collect()
    };
    let mut all = Vec::new();
    let mut cursor = String::new();
    for _ in 0..4 {
        let page = get(&world, &format!("{path}?limit=3&cursor={cursor}"), ADMIN).await;
        all.extend(shown(&page));
        let Some(next) = page["next"].as_str() else { break };
        cursor = next.to_owned();
    }
    let newest_first: Vec<_> = ids.iter().rev().cloned().collect();
    assert_eq!(all, newest_first);
    assert_eq!(shown(&get(&world, &path, &bob.token).await), newest_first, "its inbox");
    assert_eq!(
        shown(&get(&world, &path, &alice.token).await),
        [ids[5].clone(), ids[3].clone(), ids[1].clone()],
        "what she sent"
    );
    assert_eq!(shown(&get(&world, &format!("{path}?status=cancelled"), ADMIN).await), [ids[6].clone()]);
    assert_eq!(shown(&get(&world, &format!("{path}?open=true&caller={}", alice.id), ADMIN).await).len(), 3);
    for bad in ["status=open", "open=yes", "limit=0", "cursor=x"] {
        world.call("GET", &format!("{path}?{bad}"), Some(ADMIN), &Value::Null).await.expect(400);
    }
    assert_eq!(get(&world, &entry(&bob, &ids[2]), ADMIN).await["position"], 2);
}

#[tokio::test]
async fn what_is_cancelled_while_it_waits_is_never_delivered() {
    let world = World::new().await;
    let agent = FakeAgent::start(Mood::Answer("{}".into())).await;
    let (alice, bob) = (world.online("alice", "http://127.0.0.1:9/").await, world.external("bob").await);
    let first = send(&world, &bob, "first", &alice.token, &[]).await;
    let second = send(&world, &bob, "second", ADMIN, &[]).await;
    let path = entry(&bob, &first);
    assert_eq!(
        world.call("DELETE", &path, Some(&bob.token), &Value::Null).await.expect(403).code(),
        "not_your_message"
    );
    let done = world.call("DELETE", &path, Some(&alice.token), &Value::Null).await.expect(200);
    assert_eq!((&done.body["status"], &done.body["was"]), (&json!("cancelled"), &json!("queued")));
    world.call("DELETE", &path, Some(&alice.token), &Value::Null).await.expect(200);
    world.register(&bob, &agent.url).await.expect(200);
    world.settle().await;
    assert_eq!(status(&world, &bob, &second).await, "completed");
    assert_eq!(agent.got().len(), 1);
    let over = world.call("DELETE", &entry(&bob, &second), Some(ADMIN), &Value::Null).await.expect(409);
    assert_eq!((over.code(), &over.body["status"]), ("already_ended", &json!("completed")));
    world.sound(&bob.id).await;
}

#[tokio::test]
async fn what_is_cancelled_while_an_agent_has_it_frees_the_slot_and_the_agent_hears() {
    let world = World::new().await;
    let agent = FakeAgent::start(Mood::Later).await;
    let bob = world.online("bob", &agent.url).await;
    let first = send(&world, &bob, "first", ADMIN, &[]).await;
    let second = send(&world, &bob, "second", ADMIN, &[]).await;
    world.settle().await;
    let epoch: u64 = agent.got()[0].headers["x-molecule-slot-epoch"].to_str().unwrap().parse().unwrap();
    let done = world.call("DELETE", &entry(&bob, &first), Some(ADMIN), &Value::Null).await.expect(200);
    assert_eq!(done.body["was"], "delivered");
    agent.set(Mood::Answer("{}".into()));
    world.settle().await;
    let got = agent.got();
    assert!(got.iter().any(|got| got.body.contains("\"cancel\"") && got.body.contains(&first)), "{got:?}");
    assert_eq!(status(&world, &bob, &second).await, "completed");
    let result = json!({ "slot_epoch": epoch, "status": 200, "body": {} });
    let late = world.call("POST", &format!("{}/result", entry(&bob, &first)), Some(&bob.token), &result).await;
    assert_eq!(late.expect(409).code(), "late_result");
    assert_eq!(status(&world, &bob, &first).await, "cancelled");
    world.sound(&bob.id).await;
}

#[tokio::test]
async fn five_failed_attempts_are_dead_counted_copied_and_replayed() {
    let world = World::new().await;
    let agent = FakeAgent::start(Mood::Status(500)).await;
    let bob = world.online("bob", &agent.url).await;
    let queue_id = send(&world, &bob, "m", ADMIN, &[]).await;
    for _ in 0..6 {
        world.settle().await;
        world.advance(Duration::from_secs(20));
        world.beat(&bob, &json!({})).await.expect(200);
    }
    assert_eq!((agent.got().len(), status(&world, &bob, &queue_id).await.as_str()), (5, "failed"));
    let copies = take_all(&world, &world.platform.config.dead_letter_queue_url).await;
    let copy: Buried = serde_json::from_str(&copies[0]).unwrap();
    assert_eq!((copies.len(), copy.queue_id.to_string(), copy.attempts), (1, queue_id.clone(), 5));
    let dead = get(&world, "/admin/a2a-queue/dead", ADMIN).await;
    assert_eq!((&dead["items"][0]["queue_id"], &dead["next"]), (&json!(queue_id), &Value::Null));
    agent.set(Mood::Answer("{}".into()));
    let path = format!("{}/replay", entry(&bob, &queue_id));
    let again = world.call("POST", &path, Some(ADMIN), &Value::Null).await.expect(202);
    assert_eq!(again.body["status"], "queued");
    world.settle().await;
    assert_eq!(status(&world, &bob, &queue_id).await, "completed");
    assert_eq!(world.call("POST", &path, Some(ADMIN), &Value::Null).await.expect(409).code(), "not_replayable");
    assert_eq!(get(&world, "/admin/a2a-queue/dead", ADMIN).await["items"], json!([]));
    world.sound(&bob.id).await;
}

#[tokio::test]
async fn a_message_to_nobody_expires_by_the_sweep_and_by_a_look() {
    let world = World::new().await;
    let bob = world.external("bob").await;
    let swept = send(&world, &bob, "swept", ADMIN, &[("x-deadline", "2026-01-01T00:10:00Z")]).await;
    let info = send(&world, &bob, "info", ADMIN, &[("x-priority", "info")]).await;
    let stays = send(&world, &bob, "stays", ADMIN, &[]).await;
    world.advance(Duration::from_secs(601));
    world.sweep().await;
    assert_eq!(world.events(&bob.id).await.iter().filter(|kind| *kind == "MESSAGE_EXPIRED").count(), 1);
    assert_eq!(status(&world, &bob, &swept).await, "expired");
    world.advance(Duration::from_secs(1200));
    assert_eq!(status(&world, &bob, &info).await, "expired", "30 minutes, without a sweep");
    assert_eq!(status(&world, &bob, &stays).await, "queued");
    assert_eq!(world.sound(&bob.id).await.slots.open, 1);
}

#[tokio::test]
async fn a_message_for_later_holds_up_nobody_and_comes_in_time() {
    let world = World::new().await;
    let agent = FakeAgent::start(Mood::Answer("{}".into())).await;
    let bob = world.online("bob", &agent.url).await;
    let later = send(&world, &bob, "later", ADMIN, &[("x-not-before", "2026-01-01T00:30:00Z")]).await;
    let now = send(&world, &bob, "now", ADMIN, &[]).await;
    world.settle().await;
    assert_eq!(status(&world, &bob, &now).await, "completed");
    let seen = get(&world, &entry(&bob, &later), ADMIN).await;
    assert_eq!((&seen["status"], &seen["not_before"]), (&json!("queued"), &json!("2026-01-01T00:30:00.000Z")));
    for _ in 0..30 {
        assert_eq!(agent.got().len(), 1);
        world.advance(Duration::from_secs(60));
        world.beat(&bob, &json!({})).await.expect(200);
        world.settle().await;
    }
    assert_eq!(status(&world, &bob, &later).await, "completed", "by reminders alone");
    world.sound(&bob.id).await;
}

#[tokio::test]
async fn what_waited_too_long_is_dropped_on_demand() {
    let world = World::new().await;
    let bob = world.external("bob").await;
    let old = send(&world, &bob, "old", ADMIN, &[]).await;
    world.advance(Duration::from_secs(3600));
    let young = send(&world, &bob, "young", ADMIN, &[]).await;
    let path = "/admin/a2a-queue/drop-stale";
    for bad in ["", "?max_age_minutes=0", "?max_age_minutes=x", "?max_age_minutes=5&workspace_id=x"] {
        world.call("POST", &format!("{path}{bad}"), Some(ADMIN), &Value::Null).await.expect(400);
    }
    let dropped =
        world.call("POST", &format!("{path}?max_age_minutes=30"), Some(ADMIN), &Value::Null).await.expect(200);
    assert_eq!(dropped.text, r#"{"dropped":1}"#);
    let seen = get(&world, &entry(&bob, &old), ADMIN).await;
    assert_eq!(seen["status"], "dropped");
    assert!(seen["reason"].as_str().unwrap().contains("30 minutes"));
    assert_eq!(status(&world, &bob, &young).await, "queued");
    world.sound(&bob.id).await;
}

#[tokio::test]
async fn a_delivered_message_of_an_idle_agent_fails_as_answer_lost() {
    let world = World::new().await;
    let agent = FakeAgent::start(Mood::Later).await;
    let bob = world.online("bob", &agent.url).await;
    world.beat(&bob, &json!({})).await.expect(200);
    let queue_id = send(&world, &bob, "m", ADMIN, &[]).await;
    world.settle().await;
    for expected in ["delivered", "failed"] {
        world.advance(Duration::from_secs(20));
        world.beat(&bob, &json!({ "active_tasks": 0 })).await.expect(200);
        assert_eq!(status(&world, &bob, &queue_id).await, expected);
    }
    let seen = get(&world, &entry(&bob, &queue_id), ADMIN).await;
    assert!(seen["reason"].as_str().unwrap().starts_with("answer_lost"), "{seen}");
    world.sound(&bob.id).await;
}

/// One way of five in which a drain starts; the others are switched off by throwing their wake-ups away.
#[derive(Debug, Clone, Copy)]
enum Trigger {
    Accept,
    Completion,
    Capacity,
    BackOnline,
    Sweep,
}

/// What four triggers would have done.
async fn nobody_hears(world: &World) {
    take_all(world, &world.platform.config.dispatch_queue_url).await;
    take_all(world, &world.platform.config.timers_queue_url).await;
}

#[tokio::test]
async fn each_drain_trigger_alone_drains() {
    use Trigger::{Accept, BackOnline, Capacity, Completion, Sweep};
    for trigger in [Accept, Completion, Capacity, BackOnline, Sweep] {
        let world = World::new().await;
        let agent = FakeAgent::start(Mood::Later).await;
        let bob = world.online("bob", &agent.url).await;
        world.beat(&bob, &json!({})).await.expect(200);
        nobody_hears(&world).await;
        let mut expected = 1;
        let queue_id = match trigger {
            Accept => send(&world, &bob, "m", ADMIN, &[]).await,
            Completion => {
                let first = send(&world, &bob, "first", ADMIN, &[]).await;
                world.settle().await;
                let queue_id = send(&world, &bob, "m", ADMIN, &[]).await;
                nobody_hears(&world).await;
                let epoch: u64 = agent.got()[0].headers["x-molecule-slot-epoch"].to_str().unwrap().parse().unwrap();
                let result = json!({ "slot_epoch": epoch, "status": 200, "body": {} });
                let path = format!("{}/result", entry(&bob, &first));
                world.call("POST", &path, Some(&bob.token), &result).await.expect(200);
                expected = 2;
                queue_id
            }
            Capacity => {
                world.beat(&bob, &json!({ "active_tasks": 1 })).await.expect(200);
                let queue_id = send(&world, &bob, "m", ADMIN, &[]).await;
                world.settle().await;
                assert_eq!(agent.got().len(), 0, "it is full");
                world.beat(&bob, &json!({ "active_tasks": 0 })).await.expect(200);
                queue_id
            }
            BackOnline => {
                world.advance(Duration::from_secs(90));
                let queue_id = send(&world, &bob, "m", ADMIN, &[]).await;
                nobody_hears(&world).await;
                world.register(&bob, &agent.url).await.expect(200);
                queue_id
            }
            Sweep => {
                let queue_id = send(&world, &bob, "m", ADMIN, &[]).await;
                nobody_hears(&world).await;
                world.sweep().await;
                queue_id
            }
        };
        world.settle().await;
        assert_eq!(
            (agent.got().len(), status(&world, &bob, &queue_id).await.as_str()),
            (expected, "delivered"),
            "{trigger:?}"
        );
        world.sound(&bob.id).await;
    }
}

/// Incident A: with capacity and no running task, a message is delivered or fails; it never goes round as "busy".
#[tokio::test]
async fn drain_never_loops_on_an_idle_target() {
    let world = World::new().await;
    for (mood, end) in [(Mood::Answer("{}".into()), "completed"), (Mood::Status(500), "failed")] {
        let agent = FakeAgent::start(mood).await;
        let bob = world.online(end, &agent.url).await;
        let queue_id = send(&world, &bob, "m", ADMIN, &[]).await;
        for _ in 0..6 {
            world.beat(&bob, &json!({ "active_tasks": 0 })).await.expect(200);
            world.settle().await;
            world.advance(Duration::from_secs(30));
        }
        assert_eq!(status(&world, &bob, &queue_id).await, end);
        let seen = get(&world, &entry(&bob, &queue_id), ADMIN).await;
        assert!(!seen["timeline"].to_string().contains("busy"), "{seen}");
    }
}

/// Incident C: nothing is refused because its target is busy, whatever the runtime declares.
#[tokio::test]
async fn busy_target_is_queued_whatever_its_runtime() {
    let world = World::new().await;
    for capabilities in [json!({}), json!({ "session": true }), json!({ "session": true, "retry": true })] {
        let agent = FakeAgent::start(Mood::Answer("{}".into())).await;
        let bob = world.online("bob", &agent.url).await;
        let beat =
            |active: u32| json!({ "active_tasks": active, "runtime_metadata": { "capabilities": capabilities } });
        world.beat(&bob, &beat(1)).await.expect(200);
        let queue_id = send(&world, &bob, "m", ADMIN, &[]).await;
        world.settle().await;
        assert_eq!((agent.got().len(), status(&world, &bob, &queue_id).await.as_str()), (0, "queued"));
        world.beat(&bob, &beat(0)).await.expect(200);
        world.settle().await;
        assert_eq!(status(&world, &bob, &queue_id).await, "completed");
    }
}

/// Incident C: the heartbeat that reports room starts the drain, and no more is handed out than there is room for.
#[tokio::test]
async fn drain_follows_capacity() {
    let world = World::new().await;
    let agent = FakeAgent::start(Mood::Later).await;
    let bob = world.online("bob", &agent.url).await;
    let patch = json!({ "max_concurrent_tasks": 3 });
    world.call("PATCH", &format!("/workspaces/{}", bob.id), Some(ADMIN), &patch).await.expect(200);
    world.beat(&bob, &json!({ "active_tasks": 2 })).await.expect(200);
    world.advance(Duration::from_secs(1));
    for number in 0..5 {
        let path = format!("/workspaces/{}/a2a", bob.id);
        let mut body = message(&format!("m{number}"));
        body["params"]["message"]["contextId"] = json!(format!("c{number}"));
        world.call("POST", &path, Some(ADMIN), &body).await.expect(202);
    }
    // Two turns of its own, then one of ours beside them; then only ours.
    for (active, handed_out) in [(3, 1), (1, 3), (3, 3)] {
        world.settle().await;
        world.advance(Duration::from_secs(20));
        world.beat(&bob, &json!({ "active_tasks": active })).await.expect(200);
        assert!(agent.got().len() <= handed_out, "{} with {active} reported", agent.got().len());
    }
    world.settle().await;
    assert_eq!(agent.got().len(), 3);
    world.sound(&bob.id).await;
}

/// Incident C: no answer within the hold is neither lost nor run twice.
#[tokio::test]
async fn header_timeout_is_not_loss() {
    let world = World::with(&[("DISPATCH_HOLD_SECONDS", "0.2")]).await;
    let agent = FakeAgent::start(Mood::Hang(Duration::from_secs(3600))).await;
    let bob = world.online("bob", &agent.url).await;
    let queue_id = send(&world, &bob, "m", ADMIN, &[]).await;
    for _ in 0..4 {
        world.settle().await;
        world.advance(Duration::from_secs(30));
        world.beat(&bob, &json!({ "active_tasks": 1 })).await.expect(200);
        world.sweep().await;
    }
    assert_eq!((agent.got().len(), status(&world, &bob, &queue_id).await.as_str()), (1, "delivered"));
    let epoch: u64 = agent.got()[0].headers["x-molecule-slot-epoch"].to_str().unwrap().parse().unwrap();
    let result = json!({ "slot_epoch": epoch, "status": 200, "body": { "done": true } });
    let path = format!("{}/result", entry(&bob, &queue_id));
    world.call("POST", &path, Some(&bob.token), &result).await.expect(200);
    assert_eq!((agent.got().len(), status(&world, &bob, &queue_id).await.as_str()), (1, "completed"));
}

/// A pointer that SQS delivers again while its message is held is not thrown away.
#[tokio::test]
async fn a_pointer_that_comes_back_early_stays_a_pointer() {
    let world = World::new().await;
    let agent = FakeAgent::start(Mood::Later).await;
    let bob = world.online("bob", &agent.url).await;
    let patch = json!({ "max_concurrent_tasks": 2 });
    world.call("PATCH", &format!("/workspaces/{}", bob.id), Some(ADMIN), &patch).await.expect(200);
    let queue_id = send(&world, &bob, "m", ADMIN, &[]).await;
    world.settle().await;
    let held = world.sound(&bob.id).await.messages.remove(0);
    let receipt = held.receipt.clone().unwrap();
    world.platform.queues.hide(held.target, held.priority, &receipt, Duration::ZERO).await.unwrap();
    let wake = serde_json::to_string(&Reminder::Drain { workspace_id: held.target }).unwrap();
    let event = json!({ "Records": [{ "messageId": "wake", "body": wake }] });
    assert_eq!(world.invoke("dispatch", &event).await["batchItemFailures"], json!([]));
    assert_eq!(agent.got().len(), 1, "it is in somebody's hands");
    let dedupes = json!({ "runtime_metadata": { "capabilities": { "message_dedup": true } } });
    for _ in 0..3 {
        world.advance(Duration::from_secs(20));
        world.beat(&bob, &dedupes).await.expect(200);
    }
    assert_eq!(status(&world, &bob, &queue_id).await, "queued", "its answer is lost, and twice is harmless");
    agent.set(Mood::Answer("{}".into()));
    world.advance(Duration::from_secs(3700));
    world.beat(&bob, &dedupes).await.expect(200);
    world.settle().await;
    assert_eq!(status(&world, &bob, &queue_id).await, "completed");
}
