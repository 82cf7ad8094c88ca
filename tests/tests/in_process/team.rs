//! Teams: expand makes what an operator gave, once; collapse takes it away.

use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};
use tests::{ADMIN, Agent, Answer, World};

async fn post(world: &World, id: &str, verb: &str, token: &str, body: &Value) -> Answer {
    world.call("POST", &format!("/workspaces/{id}/{verb}"), Some(token), body).await
}

/// `{"id","name"}` of the children as an answer names them.
fn named(answer: &Answer) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let children = answer.body["children"].as_array().unwrap();
    children.iter().map(|child| (text(&child["name"]), text(&child["id"]))).collect()
}

/// Names of all living workspaces below another.
async fn below(world: &World, id: &str) -> Vec<String> {
    let all = world.call("GET", "/workspaces", Some(ADMIN), &Value::Null).await.expect(200).body;
    let all = all.as_array().unwrap().iter().filter(|workspace| workspace["parent_id"] == id);
    let mut names: Vec<_> = all.map(|workspace| workspace["name"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

fn team() -> Value {
    json!({ "sub_workspaces": [
        { "name": "reader", "role": "reads", "tier": 1, "command": "cat", "max_concurrent_tasks": 2 },
        { "name": "writer", "model": "m" },
    ] })
}

#[tokio::test]
async fn a_team_is_made_once_and_looks_as_it_was_given() {
    let world = World::new().await;
    let lead = world.external("lead").await;
    let first = post(&world, &lead.id, "expand", ADMIN, &team()).await.expect(200);
    assert_eq!(first.body["status"], "expanded");
    assert_eq!(first.body["children"][0]["role"], "reads");
    let children = named(&first);
    assert_eq!(children.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["reader", "writer"]);
    let reader = world.show(&children[0].1).await;
    assert_eq!((&reader["tier"], &reader["status"]), (&json!(1), &json!("provisioning")));
    assert_eq!(reader["max_concurrent_tasks"], 2);
    let writer = world.show(&children[1].1).await;
    assert_eq!(
        (&writer["tier"], &writer["runtime"]),
        (&json!(2), &json!("langgraph")),
        "as the one above, or the default"
    );
    for token in [ADMIN, lead.token.as_str()] {
        let again = post(&world, &lead.id, "expand", token, &Value::Null).await.expect(200);
        assert_eq!(named(&again), children, "the same ones");
    }
    let events = world.events(&lead.id).await;
    assert_eq!(events.iter().filter(|event| *event == "WORKSPACE_EXPANDED").count(), 1);
    assert_eq!(world.events(&children[0].1).await, ["WORKSPACE_PROVISIONING"]);
}

#[tokio::test]
async fn many_who_expand_at_once_make_each_member_once() {
    let world = World::new().await;
    let lead = world.external("lead").await;
    let (body, call) = (team(), Value::Null);
    let mut asked = vec![post(&world, &lead.id, "expand", ADMIN, &body).await];
    asked.extend(join_all((0..8).map(|_| post(&world, &lead.id, "expand", ADMIN, &body))).await);
    post(&world, &lead.id, "collapse", ADMIN, &call).await.expect(200);
    let again = join_all((0..8).map(|_| post(&world, &lead.id, "expand", &lead.token, &call))).await;
    let told: Vec<_> = again.into_iter().filter(|answer| answer.status == 200).map(|answer| named(&answer)).collect();
    assert!(!told.is_empty() && told.iter().all(|children| *children == told[0]), "{told:?}");
    assert_eq!(below(&world, &lead.id).await, ["reader", "writer"]);
    assert!(asked.iter().all(|answer| answer.status == 200));
}

#[tokio::test]
async fn a_team_goes_with_all_below_it_and_comes_back_anew() {
    let world = World::new().await;
    let create = json!({ "name": "lead", "external": true, "sub_workspaces": [{ "name": "a" }, { "name": "b" }] });
    let made = world.call("POST", "/workspaces", Some(ADMIN), &create).await.expect(201);
    let id = made.body["id"].as_str().unwrap().to_owned();
    let lead = Agent { id, token: made.body["connection"]["auth_token"].as_str().unwrap_or_default().to_owned() };
    let children = named(&post(&world, &lead.id, "expand", ADMIN, &Value::Null).await.expect(200));
    let grandchild = world.external_below("below", Some(&children[0].1)).await;
    let own = world.external_below("of the operator", Some(&lead.id)).await;
    let token = if lead.token.is_empty() { ADMIN } else { &lead.token };
    let collapsed = post(&world, &lead.id, "collapse", token, &Value::Null).await.expect(200);
    assert_eq!(collapsed.body, json!({ "status": "collapsed", "removed": ["a", "b"] }), "its own team and no other");
    assert_eq!(world.show(&grandchild.id).await["status"], "removed");
    assert_eq!(below(&world, &lead.id).await, ["of the operator"]);
    let again = named(&post(&world, &lead.id, "expand", ADMIN, &Value::Null).await.expect(200));
    assert!(again.iter().zip(&children).all(|(new, old)| new.0 == old.0 && new.1 != old.1), "new ones: {again:?}");
    let all = post(&world, &lead.id, "collapse", ADMIN, &Value::Null).await.expect(200);
    assert_eq!(all.body["removed"], json!(["a", "b", "of the operator"]), "an operator takes all");
    assert_eq!(world.show(&own.id).await["status"], "removed");
    let none = post(&world, &lead.id, "collapse", ADMIN, &Value::Null).await.expect(200);
    assert_eq!(none.body, json!({ "status": "collapsed", "removed": [] }));
    let events = world.events(&lead.id).await;
    assert_eq!(events.iter().filter(|event| *event == "WORKSPACE_COLLAPSED").count(), 2);
}

#[tokio::test]
async fn a_child_of_the_same_name_is_taken_into_the_team() {
    let world = World::new().await;
    let lead = world.external("lead").await;
    let child = world.external_below("reader", Some(&lead.id)).await;
    let children = named(&post(&world, &lead.id, "expand", ADMIN, &team()).await.expect(200));
    assert_eq!(children[0].1, child.id);
    assert_eq!(below(&world, &lead.id).await, ["reader", "writer"]);
}

#[tokio::test]
async fn what_cannot_be_made_says_why_and_makes_nothing() {
    let world = World::new().await;
    let lead = world.external("lead").await;
    post(&world, &lead.id, "expand", &lead.token, &Value::Null).await.expect(400);
    let before = world.table().await;
    let none = post(&world, &lead.id, "expand", ADMIN, &Value::Null).await.expect(400);
    assert_eq!(none.code(), "no_sub_workspaces");
    let own = post(&world, &lead.id, "expand", &lead.token, &team()).await.expect(403);
    assert_eq!((own.code(), &own.body["field"]), ("operators_only", &json!("sub_workspaces")));
    for (given, told) in [
        (json!([]), "1 to 20"),
        (json!([{ "name": "a" }, { "name": "a" }]), "same name"),
        (json!([{ "name": "" }]), "name"),
        (json!([{ "name": "a", "tier": 9 }]), "tier"),
        (json!([{ "name": "a", "runtime": "external" }]), "POST /workspaces"),
        (json!([["a"]]), "an object"),
        (json!("a"), "an array"),
    ] {
        let body = json!({ "sub_workspaces": given });
        let refused = post(&world, &lead.id, "expand", ADMIN, &body).await.expect(400);
        assert!(refused.text.contains(told), "{given}: {}", refused.text);
    }
    post(&world, "5f0c1e9e-0000-4000-8000-000000000000", "expand", ADMIN, &team()).await.expect(404);
    post(&world, "5f0c1e9e-0000-4000-8000-000000000000", "collapse", ADMIN, &team()).await.expect(404);
    assert_eq!(world.table().await, before);
    post(&world, &lead.id, "pause", ADMIN, &Value::Null).await.expect(200);
    assert_eq!(post(&world, &lead.id, "expand", ADMIN, &team()).await.expect(409).code(), "ancestor_paused");
    assert!(below(&world, &lead.id).await.is_empty());
}

#[tokio::test]
async fn workspaces_come_in_pages_for_who_asks_for_them() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(world.external(&format!("agent {n}")).await.id);
        world.advance(Duration::from_secs(1));
    }
    let oldest_first = ids.clone();
    ids.sort();
    let names = |body: &Value| -> Vec<String> {
        body.as_array().unwrap().iter().map(|shown| shown["id"].as_str().unwrap().to_owned()).collect()
    };
    let mut path = "/workspaces?limit=2".to_owned();
    let mut pages = Vec::new();
    loop {
        let answer = world.call("GET", &path, Some(ADMIN), &Value::Null).await.expect(200);
        pages.push(names(&answer.body));
        let Some(link) = answer.headers.get("link") else { break };
        path = link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned();
    }
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1]);
    assert_eq!(pages.concat(), ids);
    let all = world.call("GET", "/workspaces", Some(ADMIN), &Value::Null).await.expect(200);
    assert_eq!((names(&all.body), all.headers.get("link")), (oldest_first, None));
    let after = format!("/workspaces?after={}", ids[2]);
    assert_eq!(names(&world.call("GET", &after, Some(ADMIN), &Value::Null).await.expect(200).body), ids[3..]);
    for query in ["limit=0", "limit=501", "limit=x", "after=x"] {
        let refused = world.call("GET", &format!("/workspaces?{query}"), Some(ADMIN), &Value::Null).await.expect(400);
        assert_eq!(refused.code(), "invalid_query", "{query}");
    }
}
