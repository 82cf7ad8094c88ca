use serde_json::{Value, json};

use crate::{
    agent::{Agent, Gate, client, message, text_of},
    platform::{HEARTBEAT, INBOUND, Platform, REGISTER, Reply},
};

#[tokio::test]
async fn message_send_round_trip() {
    let platform = Platform::start().await;
    let agent = Agent::start_registered(&platform, "tr a-z A-Z", &[]).await;
    let mut call = message("m1", "hello");
    call["params"]["message"]["parts"] = json!([{"kind": "text", "text": "one"}, {"type": "text", "text": "two"}]);
    let response = agent.send(&call).await;
    assert_eq!(response["jsonrpc"], "2.0");
    assert_eq!(response["id"], "r1");
    let result = &response["result"];
    assert_eq!(result["kind"], "message");
    assert_eq!(result["role"], "agent");
    assert_eq!(result["contextId"], "c1");
    assert!(result["messageId"].is_string());
    assert_eq!(result["parts"], json!([{"kind": "text", "text": "ONE\nTWO"}]));
}

#[tokio::test]
async fn send_message_round_trip_on_any_path() {
    let platform = Platform::start().await;
    let agent = Agent::start_registered(&platform, "tr a-z A-Z", &[]).await;
    let call = json!({"jsonrpc": "2.0", "id": 7, "method": "SendMessage", "params": {
        "message": {"messageId": "m1", "role": "ROLE_USER", "parts": [{"text": "hello"}]}}});
    let path = format!("{}/a2a/v1", agent.url);
    let response = client().post(path).bearer_auth(INBOUND).json(&call).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/json");
    let response: Value = response.json().await.unwrap();
    assert_eq!(response["id"], 7);
    let message = &response["result"]["message"];
    assert_eq!(message["role"], "ROLE_AGENT");
    assert_eq!(message["parts"], json!([{"text": "HELLO"}]));
    assert_eq!(message.get("contextId"), None);
}

#[tokio::test]
async fn card_and_health_are_open() {
    let platform = Platform::start().await;
    let agent = Agent::start_registered(&platform, "cat", &[]).await;
    for path in ["/.well-known/agent-card.json", "/.well-known/agent.json"] {
        let card: Value = agent.get(path).await.json().await.unwrap();
        assert_eq!(card, platform.all(REGISTER)[0].body["agent_card"]);
    }
    assert_eq!(agent.get("/health").await.status(), 200);
    assert_eq!(agent.get("/").await.status(), 404);
}

#[tokio::test]
async fn a_message_without_the_secret_is_refused() {
    let platform = Platform::start().await;
    let gate = Gate::new();
    let agent = Agent::start_registered(&platform, &gate.wait(), &[]).await;
    let without = client().post(&agent.url).json(&message("m1", "x"));
    let wrong = client().post(&agent.url).bearer_auth("wrong").json(&message("m1", "x"));
    let large = client().post(&agent.url).json(&message("m1", &"x".repeat(900_000)));
    for request in [without, wrong, large] {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 401);
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["code"], "unauthorized");
        assert!(body["error"].is_string());
    }
    assert_eq!(gate.starts(), 0);
}

#[tokio::test]
async fn before_register_a_message_is_put_off() {
    let platform = Platform::start().await;
    platform.always(REGISTER, Reply::Never);
    let agent = Agent::start(&platform, "cat", &[]).await;
    let response = agent.post(&message("m1", "x")).send().await.unwrap();
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["retry-after"], "1");
    assert_eq!(response.json::<Value>().await.unwrap()["code"], "not_registered");
}

#[tokio::test]
async fn a_body_over_the_limit_is_413() {
    let platform = Platform::start().await;
    let agent = Agent::start_registered(&platform, "wc -c", &[]).await;
    let fits = agent.send(&message("m1", &"x".repeat(1024 * 1024))).await;
    assert_eq!(text_of(&fits).trim(), "1048576");
    let response = agent.post(&message("m2", &"x".repeat(1024 * 1024 + 64 * 1024))).send().await.unwrap();
    assert_eq!(response.status(), 413);
    assert_eq!(response.json::<Value>().await.unwrap()["code"], "too_large");
}

#[tokio::test]
async fn a_wrong_call_is_a_json_rpc_error() {
    let platform = Platform::start().await;
    let agent = Agent::start_registered(&platform, "cat", &[]).await;
    let unknown = agent.send(&json!({"jsonrpc": "2.0", "id": 1.5, "method": "tasks/get"})).await;
    assert_eq!((&unknown["error"]["code"], &unknown["id"]), (&json!(-32601), &json!(1.5)));
    let mut no_text = message("m1", "x");
    no_text["params"]["message"]["parts"] = json!([{"kind": "data", "data": {}}]);
    assert_eq!(agent.send(&no_text).await["error"]["code"], -32602);
    let malformed = client().post(&agent.url).bearer_auth(INBOUND).body("{").send().await.unwrap();
    assert_eq!(malformed.status(), 200);
    let malformed: Value = malformed.json().await.unwrap();
    assert_eq!((&malformed["error"]["code"], &malformed["id"]), (&json!(-32700), &Value::Null));
}

#[tokio::test]
async fn a_busy_workspace_starts_nothing_more() {
    let platform = Platform::start().await;
    let gate = Gate::new();
    let agent = Agent::start_registered(&platform, &gate.wait(), &["--max-concurrent", "2"]).await;
    let running: Vec<_> = ["m1", "m2"].map(|id| tokio::spawn(agent.post(&message(id, "x")).send())).into();
    platform.wait_for(HEARTBEAT, "two active tasks", |beat| beat.body["active_tasks"] == 2).await;
    let response = agent.post(&message("m3", "x")).send().await.unwrap();
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["retry-after"], "1");
    assert_eq!(response.json::<Value>().await.unwrap()["code"], "busy");
    gate.open();
    for turn in running {
        assert_eq!(turn.await.unwrap().unwrap().status(), 200);
    }
    agent.send(&message("m3", "x")).await;
    assert_eq!(gate.starts(), 3);
}

#[tokio::test]
async fn a_message_that_comes_twice_runs_once() {
    let platform = Platform::start().await;
    let gate = Gate::new();
    let agent = Agent::start_registered(&platform, &format!("{}; echo $$", gate.wait()), &[]).await;
    let first = tokio::spawn(agent.post(&message("m1", "x")).send());
    gate.until_started().await;
    let joined = tokio::spawn(agent.post(&message("m1", "x")).send());
    // Whether the repeat arrives while the first runs or after it, it runs nothing.
    gate.open();
    let first = first.await.unwrap().unwrap().bytes().await.unwrap();
    let joined = joined.await.unwrap().unwrap().bytes().await.unwrap();
    let later = agent.post(&message("m1", "x")).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(first, joined);
    assert_eq!(first, later);
    assert_eq!(gate.starts(), 1);
    let other = agent.post(&message("m1", "x")).header("x-workspace-id", "peer").send().await.unwrap();
    assert_ne!(first, other.bytes().await.unwrap(), "another sender's message of the same id is another message");
}
