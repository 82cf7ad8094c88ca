//! How late fires are: 100 schedules of one minute, spread by their jitter, while senders keep the platform busy.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use rules::Timestamp;
use serde_json::{Value, json};

use crate::at;

const WORKSPACES: usize = 10;
const SCHEDULES_EACH: usize = 10;
const SENDERS: usize = 4;

struct Hub {
    base: String,
    admin: String,
    client: reqwest::Client,
}

impl Hub {
    async fn call(&self, method: &str, path: &str, token: &str, body: &Value) -> Value {
        let request = self.client.request(method.parse().unwrap(), format!("{}{path}", self.base)).bearer_auth(token);
        let answer = request.header("content-type", "application/json").body(body.to_string()).send().await.unwrap();
        let status = answer.status();
        let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or(Value::Null);
        assert!(status.is_success(), "{method} {path}: {status} {body}");
        body
    }

    async fn workspace(&self, name: &str, url: &str) -> String {
        let made = self.call("POST", "/workspaces", &self.admin, &json!({ "name": name, "external": true })).await;
        let (id, token) = (made["id"].as_str().unwrap(), made["connection"]["auth_token"].as_str().unwrap());
        let body = json!({ "id": id, "url": url, "agent_card": { "name": name, "url": url } });
        self.call("POST", "/registry/register", token, &body).await;
        self.call("POST", "/registry/heartbeat", token, &json!({ "workspace_id": id })).await;
        id.to_owned()
    }
}

pub async fn run(minutes: usize) {
    let data = tempfile::tempdir().unwrap();
    let mut options = local::Options {
        data: local::Data::Directory(data.path().join("data")),
        schedules: local::Schedules::AsDeclared,
        ..local::Options::memory()
    };
    options.variables.insert("LIVENESS_TTL_SECONDS".to_owned(), "3600".to_owned());
    let running = local::start(options).await.unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let hub = Arc::new(Hub { base: running.base_url(), admin: running.admin_token().to_owned(), client });
    let url = agent().await;
    let mut schedules = Vec::new();
    for number in 0..WORKSPACES {
        let id = hub.workspace(&format!("agent-{number}"), &url).await;
        for place in 0..SCHEDULES_EACH {
            let body = json!({
                "name": format!("s{place}"), "cron_expr": "* * * * *", "prompt": "look", "jitter_seconds": 59,
                "overlap": "buffer_all",
            });
            let path = format!("/workspaces/{id}/schedules");
            let made = hub.call("POST", &path, &hub.admin, &body).await;
            let due = Timestamp::parse_rfc3339(made["next_run_at"].as_str().unwrap()).unwrap();
            schedules.push((format!("{path}/{}", made["id"].as_str().unwrap()), due.millis().rem_euclid(60_000)));
        }
    }
    let (done, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut senders = tokio::task::JoinSet::new();
    for number in 0..SENDERS {
        let target = hub.workspace(&format!("target-{number}"), &url).await;
        let (hub, done, sent) = (Arc::clone(&hub), Arc::clone(&done), Arc::clone(&sent));
        senders.spawn(async move {
            let body = json!({ "method": "message/send", "params": { "message": {
                "role": "user", "parts": [{ "kind": "text", "text": "hello" }] } } });
            while !done.load(Ordering::SeqCst) {
                hub.call("POST", &format!("/workspaces/{target}/a2a"), &hub.admin, &body).await;
                sent.fetch_add(1, Ordering::SeqCst);
            }
        });
    }
    tokio::time::sleep(Duration::from_secs(minutes as u64 * 60)).await;
    done.store(true, Ordering::SeqCst);
    while senders.join_next().await.is_some() {}
    let (mut placed, mut begun, mut others) = (Vec::new(), Vec::new(), 0);
    for (path, jitter) in &schedules {
        let rows = hub.call("GET", &format!("{path}/history?limit=500"), &hub.admin, &Value::Null).await;
        for row in rows.as_array().unwrap() {
            if row["outcome"] != "fired" {
                others += usize::from(row["outcome"] != "pending" && row["outcome"] != "running");
                continue;
            }
            let time = |name: &str| Timestamp::parse_rfc3339(row[name].as_str().unwrap()).unwrap().millis();
            let due = time("nominal") + jitter;
            placed.push((time("timestamp") - due) as f64);
            begun.push((time("started_at") - due) as f64);
        }
    }
    placed.sort_by(f64::total_cmp);
    begun.sort_by(f64::total_cmp);
    println!(
        "lateness: {} fires of {} schedules, {} messages beside them, {others} not fired",
        placed.len(),
        schedules.len(),
        sent.load(Ordering::SeqCst)
    );
    for (what, all) in [("placed", &placed), ("turn begun", &begun)] {
        println!(
            "  {what:<10} p50 {:>5.0} ms, p99 {:>5.0} ms, at most {:>5.0} ms, earliest {:>4.0} ms",
            at(all, 0.5),
            at(all, 0.99),
            at(all, 1.0),
            at(all, 0.0)
        );
    }
    running.stop().await;
}

/// An agent that answers at once; its URL.
async fn agent() -> String {
    let answer = async || {
        ([("content-type", "application/json")], r#"{"jsonrpc":"2.0","id":1,"result":{"kind":"message","parts":[]}}"#)
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    url
}
