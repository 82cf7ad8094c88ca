//! Workspaces that are stopped on purpose: paused with all below, resumed, hibernated, woken.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{ADMIN, Fault, World};

use super::{begun, boot, create, online, post, world};

async fn status(world: &World, id: rules::WorkspaceId) -> String {
    world.show(&id.to_string()).await["status"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_pause_stops_all_below_and_a_resume_starts_them() {
    let world = world().await;
    let (parent, _) = online(&world).await;
    let child = create(&world, &json!({ "name": "child", "parent_id": parent })).await;
    let agent = boot(&world, child).await;
    let paused = post(&world, parent, "pause", &Value::Null).await.expect(200);
    assert_eq!(paused.body, json!({ "status": "paused", "paused_count": 2 }));
    world.settle().await;
    assert_eq!((world.engine.running(parent), world.engine.running(child)), (vec![], vec![]));
    assert_eq!(post(&world, parent, "pause", &Value::Null).await.expect(404).code(), "already_paused");
    for verb in ["resume", "restart"] {
        assert_eq!(post(&world, child, verb, &Value::Null).await.expect(409).code(), "ancestor_paused", "{verb}");
    }
    // A zombie does not bring it back.
    let told = world.beat(&agent, &json!({})).await.expect(200);
    assert_eq!(told.body["workspace_status"], "paused");
    let resumed = post(&world, parent, "resume", &Value::Null).await.expect(200);
    assert_eq!(resumed.body, json!({ "status": "provisioning", "resumed_count": 2 }));
    world.settle().await;
    assert_eq!((world.engine.running(parent), world.engine.running(child)), (vec![2], vec![2]));
    assert_eq!(post(&world, parent, "resume", &Value::Null).await.expect(404).code(), "not_paused");
}

/// A tree of three generations, paused; parents first.
async fn paused_tree() -> (World, Vec<rules::WorkspaceId>) {
    let world = world().await;
    let mut tree: Vec<rules::WorkspaceId> = Vec::new();
    for name in ["root", "child", "grandchild"] {
        tree.push(create(&world, &json!({ "name": name, "parent_id": tree.last() })).await);
    }
    post(&world, tree[0], "pause", &Value::Null).await.expect(200);
    world.settle().await;
    world.gate.take_operations();
    (world, tree)
}

#[tokio::test]
async fn a_resume_that_was_cut_off_is_finished_by_its_repeat() {
    let (world, tree) = paused_tree().await;
    post(&world, tree[0], "resume", &Value::Null).await.expect(200);
    let requests = world.gate.take_operations().len();
    for n in 1..=requests {
        let (world, tree) = paused_tree().await;
        world.gate.inject(move |_, number| (number >= n).then_some(Fault::Timeout));
        post(&world, tree[0], "resume", &Value::Null).await;
        world.gate.heal();
        post(&world, tree[0], "resume", &Value::Null).await;
        for id in tree {
            assert_eq!(status(&world, id).await, "provisioning", "cut off at {n} of {requests}");
        }
    }
}

#[tokio::test]
async fn a_resume_of_one_that_runs_starts_those_that_are_paused_below_it() {
    let world = world().await;
    let (root, _) = online(&world).await;
    let child = create(&world, &json!({ "name": "child", "parent_id": root })).await;
    boot(&world, child).await;
    let grandchild = create(&world, &json!({ "name": "grandchild", "parent_id": child })).await;
    post(&world, grandchild, "pause", &Value::Null).await.expect(200);
    let resumed = post(&world, root, "resume", &Value::Null).await.expect(200);
    assert_eq!(resumed.body, json!({ "status": "online", "resumed_count": 1 }));
    assert_eq!(status(&world, grandchild).await, "provisioning");
}

#[tokio::test]
async fn an_idle_workspace_hibernates_and_a_message_wakes_it() {
    let world = world().await;
    let id = create(&world, &json!({ "name": "bob", "hibernation_idle_minutes": 5 })).await;
    let agent = boot(&world, id).await;
    for minute in 0..5 {
        assert_eq!(status(&world, id).await, "online", "minute {minute}");
        for _ in 0..2 {
            world.advance(Duration::from_secs(30));
            world.beat(&agent, &json!({})).await.expect(200);
        }
        world.sweep().await;
    }
    assert_eq!(status(&world, id).await, "hibernating", "heartbeats alone keep nobody awake");
    world.settle().await;
    assert_eq!((status(&world, id).await.as_str(), world.engine.running(id)), ("hibernated", vec![]));
    let body =
        json!({ "method": "message/send", "params": { "message": { "role": "user", "parts": [{ "text": "x" }] } } });
    post(&world, id, "a2a", &body).await.expect(202);
    world.settle().await;
    assert_eq!((status(&world, id).await.as_str(), world.engine.running(id)), ("provisioning", vec![2]));
}

#[tokio::test]
async fn what_cannot_be_stopped_is_not_called_hibernated() {
    let world = world().await;
    let (id, agent) = online(&world).await;
    world.beat(&agent, &json!({ "active_tasks": 1 })).await.expect(200);
    let busy = post(&world, id, "hibernate", &Value::Null).await.expect(409);
    assert_eq!((busy.code(), &busy.body["active_tasks"]), ("workspace_busy", &json!(1)));
    world.engine.silence(true);
    post(&world, id, "hibernate?force=true", &Value::Null).await.expect(200);
    world.settle().await;
    assert_eq!(status(&world, id).await, "online", "T25");
    world.engine.silence(false);
    post(&world, id, "hibernate?force=true", &Value::Null).await.expect(200);
    world.settle().await;
    assert_eq!((status(&world, id).await.as_str(), world.engine.running(id)), ("hibernated", vec![]));
    assert_eq!(begun(&world, id).await, 1);
}

#[tokio::test]
async fn two_quick_secrets_are_both_in_the_container_that_comes_up() {
    let world = world().await;
    let (id, old) = online(&world).await;
    world.advance(Duration::from_secs(30));
    world.beat(&old, &json!({})).await.expect(200);
    for (key, value) in [("FIRST", "one-secret"), ("SECOND", "two-secret")] {
        let body = json!({ "key": key, "value": value });
        world.call("POST", &format!("/workspaces/{id}/secrets"), Some(ADMIN), &body).await.expect(200);
        world.settle().await;
    }
    assert_eq!(begun(&world, id).await, 2, "the second came while it started");
    let agent = boot(&world, id).await;
    let path = format!("/workspaces/{id}/secrets/values");
    let values = world.call("GET", &path, Some(&agent.token), &Value::Null).await.expect(200);
    assert_eq!(values.body, json!({ "FIRST": "one-secret", "SECOND": "two-secret" }));
    world.advance(Duration::from_secs(15));
    world.beat(&agent, &json!({})).await.expect(200);
    world.settle().await;
    assert_eq!(begun(&world, id).await, 2, "it has them: no more restarts");
    assert_eq!(status(&world, id).await, "online");
}

#[tokio::test]
async fn a_hibernated_workspace_whose_wake_up_is_lost_is_woken_by_the_sweep() {
    let world = world().await;
    let (id, _) = online(&world).await;
    post(&world, id, "hibernate", &Value::Null).await.expect(200);
    world.settle().await;
    assert_eq!(status(&world, id).await, "hibernated");
    let body =
        json!({ "method": "message/send", "params": { "message": { "role": "user", "parts": [{ "text": "x" }] } } });
    post(&world, id, "a2a", &body).await.expect(202);
    let client = world.platform.queues.client();
    client.purge_queue().queue_url(&world.platform.config.dispatch_queue_url).send().await.unwrap();
    world.settle().await;
    assert_eq!(status(&world, id).await, "hibernated", "nobody heard of it");
    world.advance(std::time::Duration::from_secs(60));
    world.sweep().await;
    world.settle().await;
    assert_eq!((status(&world, id).await.as_str(), world.engine.running(id)), ("provisioning", vec![2]));
}
