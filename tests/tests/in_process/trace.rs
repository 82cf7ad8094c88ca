//! A message's trace, from its sender to its agent.

use rules::trace::Trace;
use serde_json::{Value, json};
use tests::api::message;
use tests::{ADMIN, FakeAgent, Mood, World};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

/// The trace that the agent was given with its last call.
fn given(agent: &FakeAgent) -> Trace {
    let got = agent.got();
    let headers = &got.last().unwrap().headers;
    let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap());
    Trace::read(header("traceparent").unwrap(), header("tracestate")).unwrap()
}

#[tokio::test]
async fn a_message_goes_on_with_its_senders_trace() {
    let world = World::new().await;
    let agent = FakeAgent::start(Mood::Answer("{}".into())).await;
    let bob = world.online("bob", &agent.url).await;
    let headers = [("traceparent", PARENT), ("tracestate", "vendor=1")];
    let body = message("m1").to_string();
    let path = format!("/workspaces/{}/a2a", bob.id);
    let sent = world.raw("POST", &path, Some(ADMIN), &headers, body.as_bytes()).await.expect(202);
    world.settle().await;
    let trace = given(&agent);
    assert_eq!(trace.id(), "0af7651916cd43dd8448eb211c80319c");
    assert_ne!(trace.parent, PARENT, "its own span, below the sender's");
    assert!(trace.parent.ends_with("-00"), "not sampled stays not sampled");
    assert_eq!(trace.state.as_deref(), Some("vendor=1"));
    let path = format!("/workspaces/{}/a2a/queue/{}", bob.id, sent.body["queue_id"].as_str().unwrap());
    let shown = world.call("GET", &path, Some(ADMIN), &Value::Null).await.expect(200);
    assert_eq!(shown.body["traceparent"], trace.parent);
}

#[tokio::test]
async fn what_names_no_trace_begins_one() {
    let world = World::new().await;
    let agent = FakeAgent::start(Mood::Answer("{}".into())).await;
    let bob = world.online("bob", &agent.url).await;
    let path = format!("/workspaces/{}/a2a", bob.id);
    let mut seen = Vec::new();
    for (id, parent) in
        [("m1", ""), ("m2", "00-nonsense"), ("m3", "00-00000000000000000000000000000000-b7ad6b7169203331-01")]
    {
        let body = message(id).to_string();
        world.raw("POST", &path, Some(ADMIN), &[("traceparent", parent)], body.as_bytes()).await.expect(202);
        world.settle().await;
        seen.push(given(&agent).id().to_owned());
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 3);
}

#[tokio::test]
async fn each_fire_is_a_trace_of_its_own() {
    let world = World::new().await;
    let agent = FakeAgent::start(Mood::Answer("{}".into())).await;
    let bob = world.online("bob", &agent.url).await;
    let schedules = format!("/workspaces/{}/schedules", bob.id);
    let hourly = json!({ "cron_expr": "0 * * * *", "prompt": "look" });
    let made = world.call("POST", &schedules, Some(ADMIN), &hourly).await.expect(201);
    let run = format!("{schedules}/{}/run", made.body["id"].as_str().unwrap());
    let mut seen = Vec::new();
    for _ in 0..2 {
        world.call("POST", &run, Some(ADMIN), &Value::Null).await;
        world.settle().await;
        seen.push(given(&agent));
    }
    assert_ne!(seen[0].id(), seen[1].id());
}

#[tokio::test]
async fn a_delegated_task_and_a_fetched_one_carry_it_too() {
    let world = World::new().await;
    let (alice, bob) = (world.external("alice").await, world.external("bob").await);
    let body = json!({ "id": bob.id, "agent_card": { "name": "bob" }, "delivery_mode": "poll" });
    world.call("POST", "/registry/register", Some(&bob.token), &body).await.expect(200);
    let task = json!({ "target_id": bob.id, "task": "do" }).to_string();
    let path = format!("/workspaces/{}/delegate", alice.id);
    let headers = [("traceparent", PARENT)];
    world.raw("POST", &path, Some(&alice.token), &headers, task.as_bytes()).await.expect(202);
    let inbox = format!("/workspaces/{}/inbox", bob.id);
    let got = world.call("GET", &inbox, Some(&bob.token), &Value::Null).await.expect(200);
    let fetched = Trace::read(got.body["items"][0]["traceparent"].as_str().unwrap(), None).unwrap();
    assert_eq!(fetched.id(), "0af7651916cd43dd8448eb211c80319c");
}
