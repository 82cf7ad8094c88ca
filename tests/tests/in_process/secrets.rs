//! Secrets: who stores and reads them, what of them is stored, and what a change does.

use aws_sdk_dynamodb::types::AttributeValue;
use platform::sealing::{LocalSealer, Place, Sealer};
use rules::WorkspaceId;
use rules::workspace::Workspace;
use serde_json::{Value, json};
use tests::{ADMIN, Agent, Answer, World};

const VALUE: &str = "sk-the-value-of-it";

async fn get(world: &World, path: &str, token: &str) -> Answer {
    world.call("GET", path, Some(token), &Value::Null).await
}

async fn delete(world: &World, path: &str) -> Answer {
    world.call("DELETE", path, Some(ADMIN), &Value::Null).await
}

async fn save(world: &World, path: &str, key: &str, value: &str) -> Answer {
    world.call("POST", path, Some(ADMIN), &json!({ "key": key, "value": value })).await
}

async fn values(world: &World, agent: &Agent) -> Answer {
    get(world, &of(&agent.id, "/values"), &agent.token).await
}

fn of(id: &str, rest: &str) -> String {
    format!("/workspaces/{id}/secrets{rest}")
}

/// `key scope` of each secret in a list.
fn listed(answer: &Answer) -> Vec<String> {
    let text = |secret: &Value, name: &str| secret[name].as_str().unwrap().to_owned();
    let secrets = answer.body.as_array().unwrap();
    secrets.iter().map(|secret| format!("{} {}", text(secret, "key"), text(secret, "scope"))).collect()
}

async fn record(world: &World, id: &str) -> Workspace {
    world.platform.store.workspace(id.parse().unwrap()).await.unwrap().unwrap()
}

/// A workspace that the platform starts, or would if it had an engine.
async fn managed(world: &World, name: &str) -> String {
    let made = world.call("POST", "/workspaces", Some(ADMIN), &json!({ "name": name })).await.expect(201);
    made.body["id"].as_str().unwrap().to_owned()
}

async fn put(world: &World, pk: &str, key: &str, sealed: &str) {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let time = AttributeValue::N("1767225600000".to_owned());
    let table = world.platform.store.client().put_item().table_name(world.platform.store.table());
    let item = table.item("pk", text(pk)).item("sk", text(&format!("SECRET#{key}"))).item("key", text(key));
    let item = item.item("sealed", text(sealed)).item("created_at", time.clone()).item("updated_at", time);
    item.send().await.unwrap();
}

async fn sealed(world: &World, pk: &str, key: &str) -> String {
    let text = |text: String| AttributeValue::S(text);
    let table = world.platform.store.client().get_item().table_name(world.platform.store.table());
    let item = table.key("pk", text(pk.to_owned())).key("sk", text(format!("SECRET#{key}"))).send().await.unwrap();
    item.item.unwrap()["sealed"].as_s().unwrap().clone()
}

#[tokio::test]
async fn a_workspace_gets_its_own_secrets_and_those_for_all() {
    let world = World::new().await;
    let ann = world.external("ann").await;
    let saved = save(&world, "/settings/secrets", "SHARED", "of all").await.expect(200).body;
    assert_eq!(saved, json!({ "status": "saved", "key": "SHARED", "scope": "global" }));
    save(&world, "/admin/secrets", "SHADOWED", "of all").await.expect(200);
    let body = json!({ "key": "SHADOWED", "value": "of ann" });
    let saved = world.call("PUT", &of(&ann.id, ""), Some(&ann.token), &body).await.expect(200).body;
    assert_eq!(saved, json!({ "status": "saved", "key": "SHADOWED" }));
    save(&world, &of(&ann.id, ""), "OWN", VALUE).await.expect(200);

    let got = values(&world, &ann).await.expect(200);
    assert_eq!(got.body, json!({ "SHARED": "of all", "SHADOWED": "of ann", "OWN": VALUE }));
    assert_eq!(got.headers["cache-control"], "no-store");
    for token in [ADMIN, &ann.token] {
        let list = get(&world, &of(&ann.id, ""), token).await.expect(200);
        assert_eq!(listed(&list), ["OWN workspace", "SHADOWED workspace", "SHARED global"]);
        assert_eq!(list.body[0]["has_value"], true);
        assert_eq!(list.body[0]["created_at"], "2026-01-01T00:00:00.000Z");
        assert!(!list.text.contains(VALUE) && !list.text.contains("of ann"));
    }
    for path in ["/settings/secrets", "/admin/secrets"] {
        assert_eq!(listed(&get(&world, path, ADMIN).await.expect(200)), ["SHADOWED global", "SHARED global"]);
    }

    let gone = delete(&world, &of(&ann.id, "/SHADOWED")).await.expect(200).body;
    assert_eq!(gone, json!({ "status": "deleted", "key": "SHADOWED" }));
    let gone = delete(&world, "/settings/secrets/SHARED").await.expect(200).body;
    assert_eq!(gone, json!({ "status": "deleted", "key": "SHARED", "scope": "global" }));
    assert_eq!(values(&world, &ann).await.expect(200).body, json!({ "SHADOWED": "of all", "OWN": VALUE }));
    for path in [of(&ann.id, "/SHADOWED"), "/settings/secrets/SHARED".to_owned(), "/admin/secrets/OWN".to_owned()] {
        let answer = delete(&world, &path).await;
        assert_eq!((answer.status, answer.code()), (404, "secret_unknown"), "{path}");
    }
}

#[tokio::test]
async fn values_go_to_the_runtime_of_the_current_generation_alone() {
    let world = World::new().await;
    let (ann, bob) = (world.external("ann").await, world.external("bob").await);
    save(&world, &of(&ann.id, ""), "KEY", VALUE).await.expect(200);
    let mint = async |path: &str| world.call("POST", path, Some(ADMIN), &Value::Null).await.body["auth_token"].clone();
    let api = mint(&format!("/workspaces/{}/tokens", ann.id)).await;
    let org = mint("/org/tokens").await;
    for (token, code) in [
        (ADMIN, "not_your_workspace"),
        (org.as_str().unwrap(), "not_your_workspace"),
        (&bob.token, "not_your_workspace"),
        (api.as_str().unwrap(), "not_an_instance_token"),
    ] {
        let answer = get(&world, &of(&ann.id, "/values"), token).await;
        assert_eq!((answer.status, answer.code()), (403, code));
        assert!(!answer.text.contains(VALUE));
    }
    values(&world, &ann).await.expect(200);
    let mut next = record(&world, &ann.id).await;
    (next.version, next.generation) = (next.version + 1, next.generation + 1);
    world.platform.store.transaction().put_workspace(&next).commit().await.unwrap();
    let answer = values(&world, &ann).await;
    assert_eq!((answer.status, answer.code()), (409, "stale_generation"));
}

#[tokio::test]
async fn what_is_stored_is_sealed_and_opens_nowhere_else() {
    let world = World::new().await;
    let (ann, bob) = (world.external("ann").await, world.external("bob").await);
    save(&world, &of(&ann.id, ""), "KEY", VALUE).await.expect(200);
    save(&world, "/settings/secrets", "ALL", VALUE).await.expect(200);
    save(&world, &of(&bob.id, ""), "GOOD", "good value").await.expect(200);
    assert!(!world.table().await.iter().any(|item| item.contains(VALUE)));
    let (anns, bobs) = (format!("WS#{}", ann.id), format!("WS#{}", bob.id));
    let moved = sealed(&world, &anns, "KEY").await;
    for (pk, key, named) in [
        (bobs.as_str(), "KEY", "workspace:KEY"),
        (&bobs, "OTHER", "workspace:OTHER"),
        ("ORG#default", "KEY", "global:KEY"),
    ] {
        put(&world, pk, key, &moved).await;
        let answer = values(&world, &bob).await;
        assert_eq!((answer.status, answer.code()), (500, "secret_unreadable"), "{}", answer.text);
        assert_eq!(answer.body["failed_keys"], json!([named]));
        assert!(!answer.text.contains(VALUE) && !answer.text.contains("good value"));
        let path = if pk == bobs { of(&bob.id, &format!("/{key}")) } else { format!("/settings/secrets/{key}") };
        delete(&world, &path).await.expect(200);
    }
    values(&world, &bob).await.expect(200);
    assert_eq!(values(&world, &ann).await.expect(200).body["KEY"], VALUE, "in its own place it still opens");
}

#[tokio::test]
async fn under_another_key_no_value_is_given_and_all_that_fail_are_named() {
    let world = World::new().await;
    let ann = world.external("ann").await;
    save(&world, &of(&ann.id, ""), "GOOD", VALUE).await.expect(200);
    values(&world, &ann).await.expect(200);
    save(&world, &of(&ann.id, ""), "GOOD", VALUE).await.expect(200);
    let id: WorkspaceId = ann.id.parse().unwrap();
    let other = LocalSealer::new(&[9; 32]);
    for (pk, key, place) in [
        (format!("WS#{id}"), "MINE", Place::workspace(id, "MINE")),
        ("ORG#default".to_owned(), "OURS", Place::global("default", "OURS")),
    ] {
        put(&world, &pk, key, &other.seal(&place, VALUE, [1; 12]).await.unwrap()).await;
    }
    let before = world.table().await;
    let answer = values(&world, &ann).await;
    assert_eq!((answer.status, answer.code()), (500, "secret_unreadable"));
    assert_eq!(answer.body["failed_keys"], json!(["workspace:MINE", "global:OURS"]));
    assert!(!answer.text.contains(VALUE));
    assert_eq!(world.table().await, before, "nothing counts as fetched");
    assert_eq!(get(&world, &of(&ann.id, ""), ADMIN).await.expect(200).body.as_array().unwrap().len(), 3);
    save(&world, &of(&ann.id, ""), "MINE", "again").await.expect(200);
    save(&world, "/settings/secrets", "OURS", "again").await.expect(200);
    values(&world, &ann).await.expect(200);
}

#[tokio::test]
async fn changes_raise_the_revision_and_one_fetch_settles_them() {
    let world = World::new().await;
    let ann = world.external("ann").await;
    let revisions = async || {
        let record = record(&world, &ann.id).await;
        (record.secrets_revision, record.secrets_seen)
    };
    assert_eq!(revisions().await, (0, 0));
    save(&world, &of(&ann.id, ""), "KEY", "one").await.expect(200);
    save(&world, &of(&ann.id, ""), "KEY", VALUE).await.expect(200);
    assert_eq!(revisions().await, (2, 0));
    values(&world, &ann).await.expect(200);
    assert_eq!(revisions().await, (2, 2));
    world.gate.take_operations();
    values(&world, &ann).await.expect(200);
    assert_eq!(
        world.gate.take_operations(),
        ["BatchGetItem", "GetItem", "Query", "Query"],
        "a steady fetch writes nothing"
    );
    delete(&world, &of(&ann.id, "/KEY")).await.expect(200);
    assert_eq!(revisions().await, (3, 2));
    let told = world.call("GET", &format!("/events/{}", ann.id), Some(ADMIN), &Value::Null).await.expect(200);
    let of_secrets: Vec<_> = told
        .body
        .as_array()
        .unwrap()
        .iter()
        .rev()
        .filter(|event| event["event_type"].as_str().unwrap().starts_with("SECRET"))
        .collect();
    let types: Vec<_> = of_secrets.iter().map(|event| event["event_type"].as_str().unwrap()).collect();
    assert_eq!(types, ["SECRET_SAVED", "SECRET_SAVED", "SECRET_DELETED"]);
    assert_eq!(of_secrets[0]["payload"], json!({ "key": "KEY", "scope": "workspace" }));
    assert!(!told.text.contains(VALUE));
}

#[tokio::test]
async fn a_global_change_is_told_to_those_that_it_is_for() {
    let world = World::new().await;
    let (plain, shadowing) = (managed(&world, "plain").await, managed(&world, "shadowing").await);
    let (paused, removed) = (managed(&world, "paused").await, managed(&world, "removed").await);
    let external = world.external("external").await.id;
    save(&world, &of(&shadowing, ""), "KEY", "own").await.expect(200);
    world.call("POST", &format!("/workspaces/{paused}/pause"), Some(ADMIN), &Value::Null).await.expect(200);
    delete(&world, &format!("/workspaces/{removed}")).await.expect(200);
    let all = [&plain, &shadowing, &paused, &removed, &external];
    let revisions = async || {
        let mut found = Vec::new();
        for id in all {
            found.push(record(&world, id).await.secrets_revision);
        }
        found
    };
    assert_eq!(revisions().await, [0, 1, 0, 0, 0]);
    save(&world, "/settings/secrets", "KEY", VALUE).await.expect(200);
    assert_eq!(revisions().await, [1, 1, 0, 0, 0]);
    delete(&world, "/settings/secrets/KEY").await.expect(200);
    assert_eq!(revisions().await, [2, 1, 0, 0, 0]);
    let events = world.events(&plain).await;
    assert_eq!(events.iter().filter(|kind| kind.starts_with("SECRET_")).count(), 2, "{events:?}");
    assert!(!world.events(&removed).await.iter().any(|kind| kind.starts_with("SECRET_")));
}

#[tokio::test]
async fn without_a_key_nothing_is_stored() {
    let world = World::with(&[("SECRETS_ENCRYPTION_KEY", "")]).await;
    let ann = world.external("ann").await;
    let before = world.table().await;
    let secret = json!({ "key": "KEY", "value": VALUE });
    for (method, path, body) in [
        ("POST", of(&ann.id, ""), secret.clone()),
        ("PUT", "/settings/secrets".to_owned(), secret),
        ("PUT", format!("/workspaces/{}/model", ann.id), json!({ "model": "m" })),
        ("POST", "/workspaces".to_owned(), json!({ "name": "new", "secrets": { "KEY": VALUE } })),
    ] {
        let answer = world.call(method, &path, Some(ADMIN), &body).await;
        assert_eq!((answer.status, answer.code()), (422, "secrets_not_configured"), "{path}");
        assert!(answer.text.contains("SECRETS_ENCRYPTION_KEY"), "{}", answer.text);
    }
    assert_eq!(world.table().await, before);
    assert_eq!(values(&world, &ann).await.expect(200).body, json!({}));
    assert_eq!(get(&world, &of(&ann.id, ""), ADMIN).await.expect(200).body, json!([]));
}

#[tokio::test]
async fn what_cannot_be_a_variable_is_refused() {
    let world = World::new().await;
    let ann = world.external("ann").await;
    let before = world.table().await;
    let large = "v".repeat(64 * 1024 + 1);
    for (key, value, status, code) in [
        ("", "v", 400, "invalid_field"),
        ("1A", "v", 400, "invalid_field"),
        ("A-B", "v", 400, "invalid_field"),
        ("A", "", 400, "invalid_field"),
        ("A", "a\0b", 400, "invalid_field"),
        ("A", &large, 413, "too_large"),
        ("PATH", "v", 422, "reserved_name"),
        ("WORKSPACE_ID", "v", 422, "reserved_name"),
        ("ld_preload", "v", 422, "reserved_name"),
    ] {
        for path in [of(&ann.id, ""), "/settings/secrets".to_owned()] {
            let answer = save(&world, &path, key, value).await;
            assert_eq!((answer.status, answer.code()), (status, code), "{key:?}: {}", answer.text);
        }
        let answer =
            world.call("POST", "/workspaces", Some(ADMIN), &json!({ "name": "new", "secrets": { key: value } })).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{key:?}: {}", answer.text);
    }
    for key in ["1A", "A-B", "%00", &"k".repeat(129)] {
        for path in [of(&ann.id, "/"), "/settings/secrets/".to_owned(), "/admin/secrets/".to_owned()] {
            let answer = delete(&world, &format!("{path}{key}")).await;
            assert_eq!((answer.status, answer.code()), (400, "invalid_id"), "{path}{key}");
        }
    }
    assert_eq!(world.table().await, before);
}

#[tokio::test]
async fn the_number_of_secrets_is_bounded_also_when_they_come_together() {
    let world = World::new().await;
    let some: serde_json::Map<String, Value> = (0..50).map(|n| (format!("K{n}"), json!("v"))).collect();
    let body = json!({ "name": "full", "external": true, "secrets": some });
    let made = world.call("POST", "/workspaces", Some(ADMIN), &body).await.expect(201);
    let id = made.body["id"].as_str().unwrap();
    let token = made.body["connection"]["auth_token"].as_str().unwrap().to_owned();
    let agent = Agent { id: id.to_owned(), token };
    assert_eq!(values(&world, &agent).await.expect(200).body.as_object().unwrap().len(), 50);
    for path in [of(id, ""), "/settings/secrets".to_owned()] {
        let first = if path.starts_with("/settings") { 0 } else { 50 };
        for n in first..99 {
            save(&world, &path, &format!("K{n}"), "v").await.expect(200);
        }
        let (one, two) = tokio::join!(save(&world, &path, "ONE", "v"), save(&world, &path, "TWO", "v"));
        let mut both = [(one.status, one.code()), (two.status, two.code())];
        both.sort_unstable();
        assert_eq!(both, [(200, ""), (409, "too_many_secrets")]);
        save(&world, &path, "K0", "other").await.expect(200);
    }
    let many: serde_json::Map<String, Value> = (0..51).map(|n| (format!("K{n}"), json!("v"))).collect();
    let body = json!({ "name": "more", "secrets": many });
    let answer = world.call("POST", "/workspaces", Some(ADMIN), &body).await;
    assert_eq!((answer.status, answer.code()), (409, "too_many_secrets"));
}

#[tokio::test]
async fn a_workspace_begins_with_secrets_and_leaves_none() {
    let world = World::new().await;
    let body = json!({ "name": "new", "external": true, "secrets": { "KEY": VALUE } });
    let made = world.call("POST", "/workspaces", Some(ADMIN), &body).await.expect(201);
    let id = made.body["id"].as_str().unwrap().to_owned();
    assert!(!world.table().await.iter().any(|item| item.contains(VALUE)));
    assert!(world.events(&id).await.contains(&"SECRET_SAVED".to_owned()));
    assert_eq!(listed(&get(&world, &of(&id, ""), ADMIN).await.expect(200)), ["KEY workspace"]);
    delete(&world, &format!("/workspaces/{id}")).await.expect(200);
    assert!(!world.table().await.iter().any(|item| item.contains("SECRET#")));
    for (method, path, body) in [
        ("GET", of(&id, ""), Value::Null),
        ("POST", of(&id, ""), json!({ "key": "KEY", "value": VALUE })),
        ("DELETE", of(&id, "/KEY"), Value::Null),
        ("GET", format!("/workspaces/{id}/model"), Value::Null),
        ("PUT", format!("/workspaces/{id}/model"), json!({ "model": "m" })),
    ] {
        let answer = world.call(method, &path, Some(ADMIN), &body).await;
        assert_eq!((answer.status, answer.code()), (410, "workspace_removed"), "{method} {path}");
    }
    let nobody = of(tests::api::NOBODY, "");
    assert_eq!(get(&world, &nobody, ADMIN).await.status, 404);
}

#[tokio::test]
async fn the_model_is_a_secret_that_is_shown() {
    let world = World::new().await;
    let ann = world.external("ann").await;
    let path = format!("/workspaces/{}/model", ann.id);
    let shown = async || get(&world, &path, &ann.token).await.expect(200).body;
    let set = async |model: &str| world.call("PUT", &path, Some(&ann.token), &json!({ "model": model })).await;
    assert_eq!(shown().await, json!({ "model": "", "source": "default" }));
    world
        .call("PATCH", &format!("/workspaces/{}", ann.id), Some(ADMIN), &json!({ "model": "created" }))
        .await
        .expect(200);
    assert_eq!(shown().await, json!({ "model": "created", "source": "default" }));
    save(&world, "/settings/secrets", "MODEL_PROVIDER", "of all").await.expect(200);
    assert_eq!(shown().await, json!({ "model": "of all", "source": "default" }));
    assert_eq!(set(" own ").await.expect(200).body, json!({ "status": "saved", "model": "own" }));
    assert_eq!(shown().await, json!({ "model": "own", "source": "workspace_secrets" }));
    assert_eq!(values(&world, &ann).await.expect(200).body, json!({ "MODEL_PROVIDER": "own" }));
    for _ in 0..2 {
        assert_eq!(set("").await.expect(200).body, json!({ "status": "cleared" }));
    }
    assert_eq!(shown().await, json!({ "model": "of all", "source": "default" }));
    assert_eq!(set(&"m".repeat(101)).await.status, 400);
}
