//! Agents that do as a seed says: they work, are busy, fail, answer later, die. One is called, one fetches.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use platform::clock::{Clock, ManualClock};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use tests::{Gate, World};

use crate::history::{Done, Event, Recorder};

/// How long a delivery may last: the platform's ceiling of a turn, with its grace.
pub(crate) const TURN: Duration = Duration::from_secs(310);

/// A delivery in an agent's hands.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) message_id: String,
    pub(crate) queue_id: String,
    pub(crate) epoch: u64,
}

struct Inner {
    rng: StdRng,
    /// From now on it does all that it is given.
    willing: bool,
    held: Vec<Held>,
    calls: usize,
}

/// An agent and what it has in its hands.
#[derive(Clone)]
pub(crate) struct Worker {
    pub(crate) id: String,
    pub(crate) token: String,
    /// Where it is called; none if it fetches.
    pub(crate) url: Option<String>,
    inner: Arc<Mutex<Inner>>,
    recorder: Recorder,
    clock: Arc<ManualClock>,
    gate: Gate,
}

impl Worker {
    /// An agent that fetches, or that is called at a free port of loopback once it knows who it is.
    pub(crate) async fn new(
        world: &World,
        recorder: &Recorder,
        name: &str,
        parent: Option<&str>,
        push: bool,
        seed: u64,
    ) -> Self {
        let agent = world.external_below(name, parent).await;
        let inner = Inner { rng: StdRng::seed_from_u64(seed), willing: false, held: Vec::new(), calls: 0 };
        let mut worker = Self {
            id: agent.id,
            token: agent.token,
            url: None,
            inner: Arc::new(Mutex::new(inner)),
            recorder: recorder.clone(),
            clock: Arc::clone(&world.clock),
            gate: world.gate.clone(),
        };
        if push {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            worker.url = Some(format!("http://{}/", listener.local_addr().unwrap()));
            let router = axum::Router::new().fallback(called).with_state(worker.clone());
            tokio::spawn(async move { axum::serve(listener, router).await });
        }
        let mut body = json!({ "id": worker.id, "agent_card": { "name": name } });
        match &worker.url {
            Some(url) => body["url"] = json!(url),
            None => body["delivery_mode"] = json!("poll"),
        }
        world.call("POST", "/registry/register", Some(&worker.token), &body).await.expect(200);
        worker
    }

    fn note(&self, event: Event) {
        self.recorder.note(self.clock.now(), event);
    }

    fn take(&self, held: Held, from: Option<String>, until: Duration) {
        self.note(Event::Delivered {
            to: self.id.clone(),
            message_id: held.message_id.clone(),
            epoch: held.epoch,
            from,
            until: self.clock.now() + until,
        });
        let mut inner = self.inner.lock().unwrap();
        inner.calls += 1;
        inner.held.push(held);
    }

    /// It is done with a delivery; false if it had let go of it before.
    pub(crate) fn done(&self, held: &Held, done: Done) -> bool {
        let mut inner = self.inner.lock().unwrap();
        let before = inner.held.len();
        inner.held.retain(|other| (other.epoch, &other.message_id) != (held.epoch, &held.message_id));
        let had = inner.held.len() < before;
        drop(inner);
        if had {
            let (message_id, epoch) = (held.message_id.clone(), held.epoch);
            self.note(Event::Done { to: self.id.clone(), message_id, epoch, done });
        }
        had
    }

    /// What it has in its hands.
    pub(crate) fn held(&self) -> Vec<Held> {
        self.inner.lock().unwrap().held.clone()
    }

    /// It dies and comes back, and knows nothing any more.
    pub(crate) fn die(&self) {
        for held in self.held() {
            self.done(&held, Done::LetGo);
        }
    }

    /// It does all that it is given from now on.
    pub(crate) fn be_willing(&self) {
        self.inner.lock().unwrap().willing = true;
    }

    /// How many deliveries it got.
    pub(crate) fn calls(&self) -> usize {
        self.inner.lock().unwrap().calls
    }

    /// A heartbeat that tells what it works on.
    pub(crate) async fn beat(&self, world: &World) {
        let body = json!({ "workspace_id": self.id, "active_tasks": self.held().len() });
        world.call("POST", "/registry/heartbeat", Some(&self.token), &body).await;
    }

    /// Fetches what it can get.
    pub(crate) async fn fetch(&self, world: &World, max: u32) {
        let path = format!("/workspaces/{}/inbox?max={max}", self.id);
        let answer = world.call("GET", &path, Some(&self.token), &Value::Null).await;
        for item in answer.body["items"].as_array().into_iter().flatten() {
            let text = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
            let held = Held {
                message_id: text("message_id"),
                queue_id: text("queue_id"),
                epoch: item["slot_epoch"].as_u64().unwrap(),
            };
            let lease = Duration::from_secs_f64(item["lease_seconds"].as_f64().unwrap());
            self.take(held, item["caller_id"].as_str().map(str::to_owned), lease);
        }
    }

    /// Hands over the result of something that it has, or gives it back.
    pub(crate) async fn hand_over(&self, world: &World, held: &Held, give_back: bool) {
        let place = format!("/workspaces/{}", self.id);
        let (path, body) = match (&self.url, give_back) {
            (Some(_), _) => (
                format!("{place}/a2a/queue/{}/result", held.queue_id),
                json!({ "slot_epoch": held.epoch, "status": 200, "body": { "by": held.epoch } }),
            ),
            (None, false) => (
                format!("{place}/inbox/{}/ack", held.queue_id),
                json!({ "slot_epoch": held.epoch, "status": "completed", "response": { "by": held.epoch } }),
            ),
            (None, true) => (
                format!("{place}/inbox/{}/nack", held.queue_id),
                json!({ "slot_epoch": held.epoch, "delay_seconds": 5 }),
            ),
        };
        // Its work is over before it says so: what comes next may come at once.
        self.done(held, if give_back && self.url.is_none() { Done::LetGo } else { Done::Worked });
        world.call("POST", &path, Some(&self.token), &body).await;
    }
}

async fn called(State(worker): State<Worker>, headers: HeaderMap, body: Bytes) -> Response {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let call: Value = serde_json::from_slice(&body).unwrap();
    let message = &call["params"]["message"];
    if message["metadata"]["kind"] == "cancel" {
        for held in worker.held().iter().filter(|held| json!(held.queue_id) == message["metadata"]["queue_id"]) {
            worker.done(held, Done::LetGo);
        }
        return "{}".into_response();
    }
    let held = Held {
        message_id: message["messageId"].as_str().unwrap().to_owned(),
        queue_id: text("x-molecule-queue-id").unwrap(),
        epoch: text("x-molecule-slot-epoch").unwrap().parse().unwrap(),
    };
    worker.take(held.clone(), text("x-workspace-id"), TURN);
    worker.gate.turn().await;
    let mood = {
        let mut inner = worker.inner.lock().unwrap();
        if inner.willing { 0 } else { inner.rng.random_range(0..10) }
    };
    match mood {
        // Later: the result comes by itself, if the agent lives to hand it over.
        4..=6 => (StatusCode::ACCEPTED, [("preference-applied", "respond-async")], "{}").into_response(),
        7 => {
            worker.done(&held, Done::Refused);
            (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "1")], "{}").into_response()
        }
        8 => {
            worker.done(&held, Done::Failed);
            (StatusCode::INTERNAL_SERVER_ERROR, "{}").into_response()
        }
        9 => {
            // It dies in the middle of its answer, and nobody knows what it did.
            worker.done(&held, Done::Failed);
            let broken = futures::stream::iter([Ok(Bytes::from("{")), Err(std::io::Error::other("gone"))]);
            ([("content-type", "application/json")], axum::body::Body::from_stream(broken)).into_response()
        }
        _ => {
            worker.done(&held, Done::Worked);
            ([("content-type", "application/json")], r#"{"jsonrpc":"2.0","id":1,"result":{}}"#).into_response()
        }
    }
}
