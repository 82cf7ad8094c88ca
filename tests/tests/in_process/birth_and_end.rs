//! Whom a new workspace belongs to, and what is left of one that is purged.

use serde_json::{Value, json};
use tests::{ADMIN, World};

#[tokio::test]
async fn in_production_an_id_alone_makes_nobody_a_workspace() {
    let world = World::with(&[("MOLECULE_ENV", "production")]).await;
    let body = json!({ "name": "bob" });
    let id =
        world.call("POST", "/workspaces", Some(ADMIN), &body).await.expect(201).body["id"].as_str().unwrap().to_owned();
    let register = json!({ "id": id, "delivery_mode": "poll", "agent_card": { "name": "bob" } });
    let beat = json!({ "workspace_id": id, "error_rate": 1 });
    world.call("POST", "/registry/register", None, &register).await.expect(401);
    world.call("POST", "/registry/heartbeat", None, &beat).await.expect(401);
    let path = format!("/workspaces/{id}/explain");
    let told = world.call("GET", &path, Some(ADMIN), &Value::Null).await.expect(200).text;
    assert!(told.contains("reset-credentials"), "{told}");
    let path = format!("/admin/workspaces/{id}/reset-credentials");
    let made = world.call("POST", &path, Some(ADMIN), &Value::Null).await.expect(200).body;
    let credential = made["boot_credential"].as_str().unwrap();
    world.call("POST", "/registry/register", Some(credential), &register).await.expect(200);
}

#[tokio::test]
async fn a_purge_leaves_nothing_that_anybody_wrote() {
    let world = World::new().await;
    let body = json!({ "name": "private name", "role": "private role", "command": "private command" });
    let made = world.call("POST", "/workspaces", Some(ADMIN), &body).await.expect(201).body;
    let id = made["id"].as_str().unwrap();
    let card = json!({ "id": id, "delivery_mode": "poll", "agent_card": { "name": "private card" } });
    world.call("POST", "/registry/register", None, &card).await.expect(200);
    let secret = json!({ "key": "KEY", "value": "private value" });
    world.call("POST", &format!("/workspaces/{id}/secrets"), Some(ADMIN), &secret).await.expect(200);
    let path = format!("/workspaces/{id}?purge=true");
    world.call("DELETE", &path, Some(ADMIN), &Value::Null).await.expect(200);
    let left = world.table().await.concat();
    assert!(left.contains(id) && !left.contains("private"), "{left}");
    assert_eq!(world.show(id).await["status"], "removed");
}
