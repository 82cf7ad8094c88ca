//! Schedules through the API: what fires, when, once, with what input, and what is told of it.

mod fires;
mod hibernation;
mod settings;

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Agent, Mood, World};

/// The minute's event.
pub(super) async fn tick(world: &World) {
    world.invoke("tick", &json!({ "source": "aws.events", "detail-type": "Scheduled Event", "detail": {} })).await;
}

/// A minute goes by: a tick at its beginning, and every reminder at its second.
pub(super) async fn minute(world: &World) {
    tick(world).await;
    for _ in 0..12 {
        world.settle().await;
        world.advance(Duration::from_secs(5));
    }
    world.settle().await;
}

pub(super) async fn create(world: &World, agent: &Agent, body: &Value) -> String {
    let path = format!("/workspaces/{}/schedules", agent.id);
    let made = world.call("POST", &path, Some(&agent.token), body).await.expect(201);
    assert_eq!(made.body["status"], "created");
    made.body["id"].as_str().unwrap().to_owned()
}

pub(super) async fn get(world: &World, agent: &Agent, id: &str, rest: &str) -> Value {
    let path = format!("/workspaces/{}/schedules/{id}{rest}", agent.id);
    world.call("GET", &path, Some(&agent.token), &Value::Null).await.expect(200).body
}

pub(super) async fn outcomes(world: &World, agent: &Agent, id: &str) -> Vec<String> {
    let rows = get(world, agent, id, "/history?limit=500").await;
    rows.as_array().unwrap().iter().rev().map(|row| row["outcome"].as_str().unwrap().to_owned()).collect()
}

pub(super) async fn patch(world: &World, agent: &Agent, id: &str, body: &Value) -> Value {
    let path = format!("/workspaces/{}/schedules/{id}", agent.id);
    world.call("PATCH", &path, Some(&agent.token), body).await.expect(200).body
}

pub(super) fn answer() -> Mood {
    Mood::Answer(json!({ "result": { "parts": [{ "kind": "text", "text": "done" }] } }).to_string())
}

/// Its status as if an operator had stopped it.
pub(super) async fn stop(world: &World, agent: &Agent, status: rules::Status) {
    let id = agent.id.parse().unwrap();
    let workspace = world.platform.store.workspace(id).await.unwrap().unwrap();
    let stopped = rules::workspace::Workspace { status, version: workspace.version + 1, ..workspace };
    world.platform.store.transaction().put_workspace(&stopped).delete_lease(id).commit().await.unwrap();
}
