//! A workspace's life on AWS: the functions with the SDK's own clients of ECS, CloudWatch Logs, KMS and EventBridge, before
//! an account in memory.

use std::time::Duration;

use platform::queues::Job;
use serde_json::{Value, json};
use tests::{ADMIN, Account, Agent, Fault, World};

use crate::published::stream;

const VALUE: &str = "sk-the-value-of-it";

/// A managed workspace that ECS was told to start.
async fn created(world: &World) -> String {
    let body = json!({ "name": "bob", "secrets": { "API_KEY": VALUE } });
    let made = world.call("POST", "/workspaces", Some(ADMIN), &body).await.expect(201);
    world.settle().await;
    made.body["id"].as_str().unwrap().to_owned()
}

/// Its task runs, and the runtime in it registers and beats.
async fn booted(world: &World, account: &Account, id: &str) -> Agent {
    world.invoke("task-state", &account.runs(id, "10.0.0.7")).await;
    let boot = Agent { id: id.to_owned(), token: account.variable(id, "WORKSPACE_TOKEN") };
    let registered = world.register(&boot, &account.variable(id, "MOLECULE_WORKSPACE_URL")).await.expect(200);
    let agent = Agent { id: id.to_owned(), token: registered.body["auth_token"].as_str().unwrap().to_owned() };
    world.beat(&agent, &json!({})).await.expect(200);
    world.settle().await;
    assert_eq!(world.show(id).await["status"], "online");
    agent
}

async fn get(world: &World, id: &str, what: &str) -> Value {
    world.call("GET", &format!("/workspaces/{id}/{what}"), Some(ADMIN), &Value::Null).await.expect(200).body
}

fn running(account: &Account, id: &str) -> usize {
    account.tasks(id).iter().filter(|task| task["desiredStatus"] == "RUNNING").count()
}

#[tokio::test]
async fn a_workspace_starts_as_a_task_and_is_reached_at_the_address_that_ecs_tells() {
    let account = Account::default();
    let world = World::on_aws(&account).await;
    let shared = json!({ "key": "SHARED", "value": VALUE });
    world.call("POST", "/settings/secrets", Some(ADMIN), &shared).await.expect(200);
    let id = created(&world).await;
    assert_eq!((account.tasks(&id).len(), world.show(&id).await["status"].as_str()), (1, Some("provisioning")));
    let agent = booted(&world, &account, &id).await;
    assert_eq!(world.show(&id).await["url"], "http://10.0.0.7:8000");

    let path = format!("/workspaces/{id}/secrets/values");
    let values = world.call("GET", &path, Some(&agent.token), &Value::Null).await.expect(200);
    assert_eq!(values.body, json!({ "API_KEY": VALUE, "SHARED": VALUE }));
    let boot = account.variable(&id, "WORKSPACE_TOKEN");
    let definitions = json!(account.definitions()).to_string();
    assert!(
        !definitions.contains(VALUE) && !definitions.contains(&boot) && !definitions.contains(&id),
        "{definitions}"
    );
    assert!(!json!(account.tasks(&id)).to_string().contains(VALUE), "the value of a secret is in no task");

    account.writes(&id, "hello from the task");
    assert!(get(&world, &id, "logs").await.to_string().contains("hello from the task"));
    assert!(get(&world, &id, "explain").await.to_string().contains("runs"));
}

#[tokio::test]
async fn a_task_that_ended_is_told_with_its_end_and_started_anew_once() {
    let account = Account::default();
    let world = World::on_aws(&account).await;
    let id = created(&world).await;
    booted(&world, &account, &id).await;
    account.writes(&id, "the last line");
    let ended = account.ends(&id, 137, "OutOfMemoryError: Container killed due to memory usage");
    world.advance(Duration::from_secs(60));
    // Events come twice, and the survey sees it too.
    for _ in 0..2 {
        world.invoke("task-state", &ended).await;
        world.platform.hand_out(&Job::Survey).await;
    }
    world.settle().await;
    assert_eq!((account.tasks(&id).len(), running(&account, &id)), (2, 1));
    assert_eq!(account.definitions().len(), 1, "a definition is registered once");
    let events = world.events(&id).await;
    assert_eq!(events.iter().filter(|event| *event == "WORKSPACE_OFFLINE").count(), 1, "{events:?}");
    let told = world.call("GET", &format!("/events/{id}"), Some(ADMIN), &Value::Null).await.expect(200).text;
    assert!(told.contains("out of memory"), "{told}");
    booted(&world, &account, &id).await;
}

#[tokio::test]
async fn an_ecs_that_does_not_answer_kills_nobody_and_what_it_lost_is_found_again() {
    let account = Account::default();
    let world = World::on_aws(&account).await;
    let id = created(&world).await;
    let agent = booted(&world, &account, &id).await;
    world.gate.inject(|operation, _| matches!(operation, "ListTasks" | "DescribeTasks").then_some(Fault::Timeout));
    world.advance(Duration::from_secs(30));
    world.beat(&agent, &json!({})).await.expect(200);
    world.platform.hand_out(&Job::Survey).await;
    world.settle().await;
    assert_eq!(world.show(&id).await["status"], "online");
    world.call("GET", &format!("/workspaces/{id}/logs"), Some(ADMIN), &Value::Null).await.expect(503);
    world.gate.heal();

    // The answer to a start is lost: the next finds the task by its generation.
    world.advance(Duration::from_secs(60));
    world.beat(&agent, &json!({})).await.expect(200);
    let mut lost = false;
    world.gate.inject(move |operation, _| {
        let first = operation == "RunTask" && !std::mem::replace(&mut lost, true);
        first.then_some(Fault::LostAnswer)
    });
    world.call("POST", &format!("/workspaces/{id}/restart"), Some(ADMIN), &Value::Null).await.expect(200);
    world.settle().await;
    world.gate.heal();
    assert_eq!((account.tasks(&id).len(), running(&account, &id)), (2, 1));
    booted(&world, &account, &id).await;

    // An event that never came: whoever looks finds the end, and what was written before it.
    account.writes(&id, "the last words");
    account.ends(&id, 1, "");
    world.platform.reconcile_soon(id.parse().unwrap()).await;
    world.settle().await;
    let told = world.call("GET", &format!("/events/{id}"), Some(ADMIN), &Value::Null).await.expect(200).text;
    assert!(told.contains("the last words"), "{told}");
}

#[tokio::test]
async fn a_delete_stops_every_task_and_all_that_happened_was_published() {
    let account = Account::default();
    let world = World::on_aws(&account).await;
    let id = created(&world).await;
    booted(&world, &account, &id).await;
    world.call("DELETE", &format!("/workspaces/{id}?confirm=true"), Some(ADMIN), &Value::Null).await.expect(200);
    world.settle().await;
    assert_eq!(running(&account, &id), 0);

    let told = world.events(&id).await;
    let answer = world.invoke("publish", &stream(&world).await).await;
    assert_eq!(answer["batchItemFailures"], json!([]));
    let published = account.events();
    let of_it: Vec<_> = published.iter().filter(|(_, detail)| detail["workspace_id"] == id.as_str()).collect();
    assert_eq!(of_it.iter().map(|(kind, _)| kind.clone()).collect::<Vec<_>>(), told);
    assert!(!format!("{published:?}").contains(VALUE), "no event has a secret's value");
}
