//! Agents that outlive the platform: called or fetching, and slow, busy, failing, hanging, answering late and twice.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use platform::clock::{Clock, SystemClock};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use tests::process::Client;

use super::{Own, TURN};
use crate::faults::Count;
use crate::history::{Done, Event, Recorder};

/// What the agent's clock may be behind the platform's look at a slot's end.
const SHORTER: Duration = Duration::from_millis(300);
/// Nobody hands over a result for longer.
const ATTEMPTS: usize = 400;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Held {
    message_id: String,
    queue_id: String,
    epoch: u64,
}

/// One agent.
#[derive(Clone)]
pub(crate) struct Worker {
    pub(crate) own: Own,
    inner: Arc<Inner>,
}

struct Inner {
    rng: Mutex<StdRng>,
    held: Mutex<Vec<Held>>,
    willing: AtomicBool,
    stopped: AtomicBool,
    recorder: Recorder,
    platform: Client,
    count: Count,
}

impl Worker {
    /// Starts it, registered and beating.
    pub(crate) async fn start(
        own: Own,
        push: bool,
        recorder: &Recorder,
        platform: Client,
        seed: u64,
        count: &Count,
    ) -> Self {
        let inner = Inner {
            rng: Mutex::new(StdRng::seed_from_u64(seed)),
            held: Mutex::default(),
            willing: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
            recorder: recorder.clone(),
            platform,
            count: count.clone(),
        };
        let worker = Self { own, inner: Arc::new(inner) };
        let mut body = json!({ "id": worker.own.id, "agent_card": { "name": "worker" }, "delivery_mode": "poll" });
        if push {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            body["delivery_mode"] = json!("push");
            body["url"] = json!(format!("http://{}/", listener.local_addr().unwrap()));
            let router = axum::Router::new().fallback(called).with_state(worker.clone());
            tokio::spawn(async move { axum::serve(listener, router).await });
        }
        worker.call("POST", "/registry/register", &body).await.unwrap();
        tokio::spawn(worker.clone().beat());
        if !push {
            tokio::spawn(worker.clone().fetch());
        }
        worker
    }

    pub(crate) fn be_willing(&self) {
        self.inner.willing.store(true, Ordering::Relaxed);
    }

    pub(crate) fn stop(&self) {
        self.inner.stopped.store(true, Ordering::Relaxed);
    }

    fn draw(&self, most: u32) -> u32 {
        self.inner.rng.lock().unwrap().random_range(0..most)
    }

    fn mood(&self) -> u32 {
        if self.inner.willing.load(Ordering::Relaxed) { 0 } else { self.draw(12) }
    }

    async fn call(&self, method: &str, path: &str, body: &Value) -> reqwest::Result<tests::Answer> {
        let bearer = format!("Bearer {}", self.own.token);
        self.inner.platform.request(method, path, &[("authorization", &bearer)], body).await
    }

    async fn beat(self) {
        while !self.inner.stopped.load(Ordering::Relaxed) {
            let working = self.inner.held.lock().unwrap().len();
            let body = json!({ "workspace_id": self.own.id, "active_tasks": working });
            // The platform may be gone: the next one comes soon.
            let _ = self.call("POST", "/registry/heartbeat", &body).await;
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    fn take(&self, held: Held, from: Option<String>, length: Duration) {
        let now = SystemClock.now();
        let until = now + length.saturating_sub(SHORTER);
        let (message_id, epoch) = (held.message_id.clone(), held.epoch);
        let mut all = self.inner.held.lock().unwrap();
        self.inner.recorder.note(now, Event::Delivered { to: self.own.id.clone(), message_id, epoch, from, until });
        all.push(held);
    }

    fn done(&self, held: &Held, done: Done) {
        let mut all = self.inner.held.lock().unwrap();
        let before = all.len();
        all.retain(|other| other != held);
        if all.len() < before {
            let (message_id, epoch) = (held.message_id.clone(), held.epoch);
            let event = Event::Done { to: self.own.id.clone(), message_id, epoch, done };
            self.inner.recorder.note(SystemClock.now(), event);
        }
    }

    /// Tells the platform until it has heard.
    async fn insist(&self, path: &str, body: &Value) {
        for _ in 0..ATTEMPTS {
            match self.call("POST", path, body).await {
                Ok(answer) if answer.status < 500 => return,
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
        panic!("the platform never heard of {path}");
    }

    /// Works for a while, and hands over the result; now and then twice.
    async fn answer_later(self, held: Held) {
        tokio::time::sleep(Duration::from_millis(u64::from(self.draw(400)))).await;
        self.done(&held, Done::Worked);
        let path = format!("/workspaces/{}/a2a/queue/{}/result", self.own.id, held.queue_id);
        let answer = json!({ "jsonrpc": "2.0", "id": 1, "result": { "by": held.epoch } });
        let body = json!({ "slot_epoch": held.epoch, "status": 200, "body": answer });
        self.insist(&path, &body).await;
        if self.draw(4) == 0 {
            self.inner.count.add("answered twice");
            self.insist(&path, &body).await;
        }
    }

    async fn fetch(self) {
        while !self.inner.stopped.load(Ordering::Relaxed) {
            let path = format!("/workspaces/{}/inbox?wait=1&max=2", self.own.id);
            let items = match self.call("GET", &path, &Value::Null).await {
                Ok(answer) if answer.status == 200 => answer.body["items"].as_array().cloned().unwrap_or_default(),
                _ => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    Vec::new()
                }
            };
            for item in items {
                let text = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
                let epoch = item["slot_epoch"].as_u64().unwrap();
                let held = Held { message_id: text("message_id"), queue_id: text("queue_id"), epoch };
                let lease = Duration::from_secs_f64(item["lease_seconds"].as_f64().unwrap());
                self.take(held.clone(), item["caller_id"].as_str().map(str::to_owned), lease);
                tokio::spawn(self.clone().work_off(held));
            }
        }
    }

    async fn work_off(self, held: Held) {
        let mood = self.mood();
        tokio::time::sleep(Duration::from_millis(u64::from(self.draw(300)))).await;
        let place = format!("/workspaces/{}/inbox/{}", self.own.id, held.queue_id);
        match mood {
            8 => {
                self.inner.count.add("given back");
                self.done(&held, Done::LetGo);
                let body = json!({ "slot_epoch": held.epoch, "delay_seconds": 0 });
                self.insist(&format!("{place}/nack"), &body).await;
            }
            9 => {
                self.inner.count.add("leases run out");
                self.done(&held, Done::LetGo);
            }
            _ => {
                self.done(&held, Done::Worked);
                let answer = json!({ "jsonrpc": "2.0", "id": 1, "result": { "by": held.epoch } });
                let body = json!({ "slot_epoch": held.epoch, "status": "completed", "response": answer });
                self.insist(&format!("{place}/ack"), &body).await;
            }
        }
    }
}

async fn called(State(worker): State<Worker>, headers: HeaderMap, body: Bytes) -> Response {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let call: Value = serde_json::from_slice(&body).unwrap();
    let Some(message_id) = call["params"]["message"]["messageId"].as_str() else { return "{}".into_response() };
    let held = Held {
        message_id: message_id.to_owned(),
        queue_id: text("x-molecule-queue-id").unwrap(),
        epoch: text("x-molecule-slot-epoch").unwrap().parse().unwrap(),
    };
    worker.take(held.clone(), text("x-workspace-id"), Duration::from_secs(TURN));
    // Axum ends a handler whose caller is gone; an agent goes on.
    tokio::spawn(async move { answer(worker, held).await }).await.unwrap()
}

async fn answer(worker: Worker, held: Held) -> Response {
    let count = &worker.inner.count;
    let mood = worker.mood();
    tokio::time::sleep(Duration::from_millis(u64::from(worker.draw(120)))).await;
    match mood {
        4..=6 => {
            tokio::spawn(worker.clone().answer_later(held));
            (StatusCode::ACCEPTED, [("preference-applied", "respond-async")], "{}").into_response()
        }
        7 => {
            count.add("busy");
            worker.done(&held, Done::Refused);
            (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "1")], "{}").into_response()
        }
        8 => {
            count.add("answers of 500");
            worker.done(&held, Done::Failed);
            (StatusCode::INTERNAL_SERVER_ERROR, "{}").into_response()
        }
        9 => {
            count.add("broken answers");
            worker.done(&held, Done::Failed);
            let broken = futures::stream::iter([Ok(Bytes::from("{")), Err(std::io::Error::other("gone"))]);
            ([("content-type", "application/json")], Body::from_stream(broken)).into_response()
        }
        10 => {
            count.add("hanging");
            tokio::time::sleep(Duration::from_secs(4)).await;
            worker.done(&held, Done::LetGo);
            "{}".into_response()
        }
        _ => {
            worker.done(&held, Done::Worked);
            ([("content-type", "application/json")], r#"{"jsonrpc":"2.0","id":1,"result":{}}"#).into_response()
        }
    }
}
