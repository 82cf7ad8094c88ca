//! An agent that does what a test tells it to: answers, is busy, fails, hangs. It remembers what it got.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::gate::Gate;

/// How the agent answers.
#[derive(Debug, Clone)]
pub enum Mood {
    /// 200 with this JSON text.
    Answer(String),
    /// This status, with `Retry-After: 1`.
    Status(u16),
    /// 202 with `Preference-Applied: respond-async`.
    Later,
    /// No answer for this long, then 200.
    Hang(Duration),
    /// Takes its turn among the racers before it answers 200, so that others run while it works.
    Racing(Gate),
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
    let response = respond(mood).await;
    shared.lock().unwrap().busy -= 1;
    response
}

async fn respond(mood: Mood) -> Response {
    let json = |text: String| ([("content-type", "application/json")], text).into_response();
    match mood {
        Mood::Answer(text) => json(text),
        Mood::Status(status) => (StatusCode::from_u16(status).unwrap(), [("retry-after", "1")], "{}").into_response(),
        Mood::Later => (StatusCode::ACCEPTED, [("preference-applied", "respond-async")], "{}").into_response(),
        Mood::Hang(length) => {
            tokio::time::sleep(length).await;
            json("{}".to_owned())
        }
        Mood::Racing(gate) => {
            gate.turn().await;
            json("{}".to_owned())
        }
    }
}
