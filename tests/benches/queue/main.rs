//! The queue's figures: how long a message takes to its answer, how soon a free agent gets the next one, and what ten
//! thousand waiting messages cost; through HTTP against the whole platform in this process, its data in a file and
//! synced at every write.
//!
//! `cargo bench -p tests --bench queue`; `BENCH_MESSAGES=1000` for a short form. It stops by itself.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a broken bench must stop")]

mod agent;
mod deep;
mod free;
mod roundtrip;

use std::sync::Arc;

use serde_json::{Value, json};

/// Where the platform is.
pub(crate) struct Hub {
    pub(crate) base: String,
    pub(crate) admin: String,
    pub(crate) client: reqwest::Client,
}

/// A workspace with its token.
#[derive(Clone)]
pub(crate) struct Workspace {
    pub(crate) id: String,
    pub(crate) token: String,
}

impl Hub {
    /// One call; the status and the JSON of its answer.
    pub(crate) async fn call(&self, method: &str, path: &str, token: &str, body: &Value) -> (u16, Value) {
        let method = method.parse().unwrap();
        let mut request = self.client.request(method, format!("{}{path}", self.base)).bearer_auth(token);
        if !body.is_null() {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or(Value::Null))
    }

    /// A workspace whose agent is at `url`, online and idle.
    pub(crate) async fn workspace(&self, name: &str, url: &str) -> Workspace {
        let body = json!({ "name": name, "external": true });
        let (status, made) = self.call("POST", "/workspaces", &self.admin, &body).await;
        assert_eq!(status, 201, "{made}");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let made = Workspace { id: text(&made["id"]), token: text(&made["connection"]["auth_token"]) };
        let body = json!({ "id": made.id, "url": url, "agent_card": { "name": name, "url": url } });
        assert_eq!(self.call("POST", "/registry/register", &made.token, &body).await.0, 200);
        self.beat(&made, 0).await;
        made
    }

    /// A heartbeat that reports so many running tasks.
    pub(crate) async fn beat(&self, workspace: &Workspace, active_tasks: u32) {
        let body = json!({ "workspace_id": workspace.id, "active_tasks": active_tasks });
        assert_eq!(self.call("POST", "/registry/heartbeat", &workspace.token, &body).await.0, 200);
    }

    /// Sends a message; the status and the answer.
    pub(crate) async fn send(&self, to: &Workspace, id: &str, headers: &[(&str, &str)]) -> (u16, Value) {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "message/send", "params": { "message": {
            "role": "user", "messageId": id, "parts": [{ "kind": "text", "text": "hello" }] } } });
        let mut request = self.client.post(format!("{}/workspaces/{}/a2a", self.base, to.id)).bearer_auth(&self.admin);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.header("content-type", "application/json").body(body.to_string()).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or(Value::Null))
    }
}

fn main() {
    let messages: usize = std::env::var("BENCH_MESSAGES").ok().and_then(|text| text.parse().ok()).unwrap_or(10_000);
    let data = tempfile::tempdir().unwrap();
    let server = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut options =
        local::Options { data: local::Data::Directory(data.path().join("data")), ..local::Options::memory() };
    options.variables.insert("LIVENESS_TTL_SECONDS".to_owned(), "3600".to_owned());
    let running = server.block_on(local::start(options)).unwrap();
    let hub = Arc::new(Hub {
        base: running.base_url(),
        admin: running.admin_token().to_owned(),
        client: reqwest::Client::builder().no_proxy().build().unwrap(),
    });
    let load = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    load.block_on(async {
        roundtrip::run(&hub, 1, messages / 20).await;
        roundtrip::run(&hub, 32, messages / 160).await;
        free::run(&hub, (messages / 50).clamp(20, 300)).await;
        deep::run(&hub, messages).await;
    });
    server.block_on(running.stop());
}

/// The value at `share` of sorted milliseconds.
pub(crate) fn at(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted.get(((last as f64) * share).round() as usize).copied().unwrap_or(f64::NAN)
}
