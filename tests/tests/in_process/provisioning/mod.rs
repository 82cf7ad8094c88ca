//! Managed workspaces on an engine that does what a test says: starts, deaths, restarts, and what is decided about them.

mod apart;
mod deaths;
mod rest;
mod starts;
mod told;

use rules::WorkspaceId;
use serde_json::{Value, json};
use tests::{ADMIN, Agent, World};

/// A world whose engine runs workspaces.
pub(crate) async fn world() -> World {
    World::with(&[("PROVISIONER", "process"), ("WORKSPACE_PLATFORM_URL", "http://127.0.0.1:1")]).await
}

/// A managed workspace that the engine was told to start.
pub(crate) async fn create(world: &World, body: &Value) -> WorkspaceId {
    let made = world.call("POST", "/workspaces", Some(ADMIN), body).await.expect(201);
    world.settle().await;
    made.body["id"].as_str().unwrap().parse().unwrap()
}

/// The runtime of the last start registers, with a container's own idea of its address, and beats once.
pub(crate) async fn boot(world: &World, id: WorkspaceId) -> Agent {
    let boot = Agent { id: id.to_string(), token: world.engine.last_launch().boot_credential.0 };
    let registered = world.register(&boot, "http://212851b5693d:8000").await.expect(200);
    let agent = Agent { id: id.to_string(), token: registered.body["auth_token"].as_str().unwrap().to_owned() };
    world.beat(&agent, &json!({})).await.expect(200);
    world.settle().await;
    agent
}

/// One that is online.
pub(crate) async fn online(world: &World) -> (WorkspaceId, Agent) {
    let id = create(world, &json!({ "name": "bob" })).await;
    let agent = boot(world, id).await;
    assert_eq!(world.show(&id.to_string()).await["status"], "online");
    (id, agent)
}

/// How often it was begun anew.
pub(crate) async fn begun(world: &World, id: WorkspaceId) -> usize {
    world.events(&id.to_string()).await.iter().filter(|event| *event == "WORKSPACE_PROVISIONING").count()
}

/// A request about it, as the operator.
pub(crate) async fn post(world: &World, id: WorkspaceId, verb: &str, body: &Value) -> tests::Answer {
    world.call("POST", &format!("/workspaces/{id}/{verb}"), Some(ADMIN), body).await
}
