//! An agent that does what a test tells it to: answers, is busy, fails, hangs. It remembers what it got.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::gate::Gate;

/// How the agent answers.
#[derive(Debug, Clone)]
pub enum Mood {
    /// 200 with this JSON text.
    Answer(String),
    /// 200 with this JSON text, in this `A2A-Version`.
    InVersion(&'static str, String),
    /// This status, with `Retry-After: 1`.
    Status(u16),
    /// 202 with `Preference-Applied: respond-async`.
    Later,
    /// No answer for this long, then 200.
    Hang(Duration),
    /// A stream of server-sent events.
    Events(Script),
    /// Takes its turn among the racers before it answers 200, so that others run while it works.
    Racing(Gate),
}

/// What an agent streams.
#[derive(Debug, Clone)]
pub struct Script {
    /// The result of each event.
    pub results: Vec<Value>,
    /// Each event takes a permit; none for all at once.
    pub go: Option<Arc<Semaphore>>,
    /// The connection breaks off after the last one.
    pub breaks: bool,
    /// The result of a call about the task; none is an error.
    pub task: Option<Value>,
}

impl Script {
    /// All at once, to a clean end.
    pub fn of(results: Vec<Value>) -> Self {
        Self { results, go: None, breaks: false, task: None }
    }
}

/// One call that the agent got.
#[derive(Debug, Clone)]
pub struct Got {
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: String,
}

struct Shared {
    mood: Mood,
    got: Vec<Got>,
    busy: usize,
    most_at_once: usize,
}

/// A running fake agent.
#[derive(Clone)]
pub struct FakeAgent {
    /// Where it listens.
    pub url: String,
    shared: Arc<Mutex<Shared>>,
}

impl FakeAgent {
    /// Starts one on a free port of loopback.
    pub async fn start(mood: Mood) -> Self {
        let shared = Arc::new(Mutex::new(Shared { mood, got: Vec::new(), busy: 0, most_at_once: 0 }));
        let router = axum::Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, shared }
    }

    /// Changes how it answers from now on.
    pub fn set(&self, mood: Mood) {
        self.shared.lock().unwrap().mood = mood;
    }

    /// What it got so far.
    pub fn got(&self) -> Vec<Got> {
        self.shared.lock().unwrap().got.clone()
    }

    /// How many calls it had to work on at one time, at most.
    pub fn most_at_once(&self) -> usize {
        self.shared.lock().unwrap().most_at_once
    }
}

async fn answer(State(shared): State<Arc<Mutex<Shared>>>, headers: HeaderMap, body: Bytes) -> Response {
    let mood = {
        let mut shared = shared.lock().unwrap();
        shared.got.push(Got { headers, body: String::from_utf8_lossy(&body).into_owned() });
        shared.busy += 1;
        shared.most_at_once = shared.most_at_once.max(shared.busy);
        shared.mood.clone()
    };
    let call: Value = serde_json::from_slice(&body).unwrap_or_default();
    let response = match mood {
        Mood::Events(script) => stream(script, &call),
        mood => respond(mood).await,
    };
    shared.lock().unwrap().busy -= 1;
    response
}

async fn respond(mood: Mood) -> Response {
    let json = |text: String| ([("content-type", "application/json")], text).into_response();
    match mood {
        Mood::Answer(text) => json(text),
        Mood::InVersion(version, text) => {
            ([("content-type", "application/json"), ("a2a-version", version)], text).into_response()
        }
        Mood::Status(status) => (StatusCode::from_u16(status).unwrap(), [("retry-after", "1")], "{}").into_response(),
        Mood::Later => (StatusCode::ACCEPTED, [("preference-applied", "respond-async")], "{}").into_response(),
        Mood::Hang(length) => {
            tokio::time::sleep(length).await;
            json("{}".to_owned())
        }
        Mood::Events(_) => unreachable!("answered event by event"),
        Mood::Racing(gate) => {
            gate.turn().await;
            json("{}".to_owned())
        }
    }
}

fn stream(script: Script, call: &Value) -> Response {
    let json = |text: String| ([("content-type", "application/json")], text).into_response();
    let answer = |result: &Value| json!({ "jsonrpc": "2.0", "id": call["id"], "result": result }).to_string();
    if call["method"].as_str().is_some_and(|method| method.contains("task") || method.contains("Task")) {
        let error = json!({ "jsonrpc": "2.0", "id": call["id"], "error": { "code": -32001, "message": "no task" } });
        return json(script.task.map_or_else(|| error.to_string(), |task| answer(&task)));
    }
    let events: Vec<String> = script.results.iter().map(|result| format!("data: {}\n\n", answer(result))).collect();
    let (go, breaks) = (script.go, script.breaks);
    let steps = events.into_iter().map(Ok).chain(breaks.then(|| Err(std::io::Error::other("broken off"))));
    let body = futures::stream::iter(steps).then(move |step| {
        let go = go.clone();
        async move {
            if let Some(go) = go {
                go.acquire().await.unwrap().forget();
            }
            if step.is_err() {
                // What came before is sent while this one is not ready.
                tokio::task::yield_now().await;
            }
            step
        }
    });
    ([("content-type", "text/event-stream")], Body::from_stream(body)).into_response()
}
