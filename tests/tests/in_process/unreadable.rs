//! A record that cannot be read, as after a release that is taken back: it hides none of the others.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use tests::api::message;
use tests::{ADMIN, Agent, FakeAgent, Mood, World};

type Item = HashMap<String, AttributeValue>;

/// Makes the first item of a partition whose sort key begins so unreadable; the item as it was.
pub(crate) async fn spoil(world: &World, pk: &str, sk: &str, field: &str) -> Item {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let store = &world.platform.store;
    let query =
        store.client().query().table_name(store.table()).key_condition_expression("pk = :p AND begins_with(sk, :s)");
    let query = query.expression_attribute_values(":p", text(pk)).expression_attribute_values(":s", text(sk));
    let item = query.send().await.unwrap().items.unwrap().swap_remove(0);
    let mut spoilt = item.clone();
    spoilt.insert(field.to_owned(), text("no such time"));
    put(world, spoilt).await;
    item
}

async fn put(world: &World, item: Item) {
    let store = &world.platform.store;
    store.client().put_item().table_name(store.table()).set_item(Some(item)).send().await.unwrap();
}

fn of(agent: &Agent) -> String {
    format!("WS#{}", agent.id)
}

/// How many a list shows.
async fn shown(world: &World, path: &str) -> usize {
    let body = world.call("GET", path, Some(ADMIN), &Value::Null).await.expect(200).body;
    let lists = ["items", "messages"].iter().filter_map(|name| body[*name].as_array()).chain(body.as_array());
    let named = body["subsystems"].as_object().map(serde_json::Map::len);
    lists.map(Vec::len).chain(named).next().unwrap_or_else(|| panic!("{path}: {body}"))
}

#[tokio::test]
async fn lists_show_all_the_others() {
    let world = World::new().await;
    let (ann, bob) = (world.external("ann").await, world.external("bob").await);
    let bobs = format!("/workspaces/{}", bob.id);
    for n in 0..2 {
        let text = n.to_string();
        world.call("POST", &format!("{bobs}/a2a"), Some(ADMIN), &message(&text)).await.expect(202);
        let memory = json!({ "content": text, "scope": "GLOBAL" });
        world.call("POST", &format!("{bobs}/memories"), Some(&bob.token), &memory).await.expect(201);
        let activity = json!({ "activity_type": "agent_log", "summary": text });
        world.call("POST", &format!("{bobs}/activity"), Some(&bob.token), &activity).await.expect(200);
        let delegated = json!({ "target_id": ann.id, "task": text, "delegation_id": text });
        world.call("POST", &format!("{bobs}/delegations/record"), Some(&bob.token), &delegated).await.expect(202);
        let schedule = json!({ "name": text, "cron_expr": "0 0 * * *", "prompt": "p" });
        world.call("POST", &format!("{bobs}/schedules"), Some(&bob.token), &schedule).await.expect(201);
    }
    world.sweep().await;
    for (list, pk, sk, field) in [
        (format!("{bobs}/a2a/queue"), of(&bob), "MSG#", "accepted_at"),
        (format!("{bobs}/memories"), of(&bob), "MEM#", "created_at"),
        (format!("{bobs}/activity"), of(&bob), "ACT#", "created_at"),
        (format!("{bobs}/delegations"), of(&bob), "DELEG#", "created_at"),
        ("/admin/schedules/health".to_owned(), of(&bob), "SCHED#", "created_at"),
        (format!("/events/{}", bob.id), of(&bob), "EVENT#", "created_at"),
        ("/admin/liveness".to_owned(), "SYSTEM".to_owned(), "TICK#", "at"),
        // Last, since nothing else is shown of it then.
        (format!("/registry/{}/peers", ann.id), of(&bob), "META", "created_at"),
    ] {
        let before = shown(&world, &list).await;
        spoil(&world, &pk, sk, field).await;
        assert_eq!(shown(&world, &list).await, before - 1, "{list}");
    }
    assert_eq!(shown(&world, "/workspaces").await, 1);
    world.call("GET", "/events", Some(ADMIN), &Value::Null).await.expect(200);
    world.call("GET", &bobs, Some(ADMIN), &Value::Null).await.expect(503);
}

#[tokio::test]
async fn the_sweep_marks_all_the_others() {
    let world = World::new().await;
    let (ann, bob) =
        (world.online("ann", "http://127.0.0.1:9/").await, world.online("bob", "http://127.0.0.1:9/").await);
    world.sweep().await;
    spoil(&world, "SYSTEM", "TICK#liveness-monitor", "at").await;
    spoil(&world, &of(&bob), "META", "created_at").await;
    world.advance(Duration::from_secs(61));
    for _ in 0..2 {
        world.sweep().await;
    }
    assert_eq!(world.show(&ann.id).await["status"], "offline");
    assert!(world.events(&ann.id).await.contains(&"WORKSPACE_OFFLINE".to_owned()));
}

/// Half a minute passes.
async fn pass(world: &World, agent: &Agent) {
    world.advance(Duration::from_secs(30));
    world.beat(agent, &json!({})).await.expect(200);
    world.sweep().await;
    world.settle().await;
}

#[tokio::test]
async fn the_messages_of_other_lanes_are_delivered() {
    let world = World::new().await;
    let agent = FakeAgent::start(Mood::Answer("{}".to_owned())).await;
    let bob = world.online("bob", &agent.url).await;
    for lane in ["first", "second"] {
        let mut body = message(lane);
        body["params"]["message"]["contextId"] = json!(lane);
        world.call("POST", &format!("/workspaces/{}/a2a", bob.id), Some(ADMIN), &body).await.expect(202);
    }
    let first = spoil(&world, &of(&bob), "MSG#", "accepted_at").await;
    world.settle().await;
    let got = agent.got();
    assert_eq!(got.len(), 1);
    assert!(got[0].body.contains("\"second\""), "{}", got[0].body);
    for _ in 0..25 {
        pass(&world, &bob).await;
    }
    assert_eq!(agent.got().len(), 1);
    // A release that can read it sends it.
    put(&world, first).await;
    for _ in 0..25 {
        pass(&world, &bob).await;
    }
    assert!(agent.got()[1].body.contains("\"first\""));
}

#[tokio::test]
async fn a_pause_reaches_all_the_others_and_says_that_one_is_left() {
    let world = World::new().await;
    let ann = world.external("ann").await;
    let (bob, eve) =
        (world.external_below("bob", Some(&ann.id)).await, world.external_below("eve", Some(&ann.id)).await);
    spoil(&world, &of(&bob), "META", "created_at").await;
    for _ in 0..2 {
        world.call("POST", &format!("/workspaces/{}/pause", ann.id), Some(ADMIN), &Value::Null).await.expect(503);
        for one in [&ann, &eve] {
            assert_eq!(world.show(&one.id).await["status"], "paused");
        }
    }
    world.call("POST", &format!("/workspaces/{}/resume", ann.id), Some(ADMIN), &Value::Null).await.expect(503);
    for one in [&ann, &eve] {
        assert_eq!(world.show(&one.id).await["status"], "awaiting_agent");
    }
}

#[tokio::test]
async fn none_is_deleted_above_it() {
    let world = World::new().await;
    let ann = world.external("ann").await;
    let bob = world.external_below("bob", Some(&ann.id)).await;
    spoil(&world, &of(&bob), "META", "created_at").await;
    let before = world.table().await;
    let path = format!("/workspaces/{}?confirm=true", ann.id);
    world.call("DELETE", &path, Some(ADMIN), &Value::Null).await.expect(503);
    assert_eq!(world.table().await, before);
}
