//! A platform that records what it is sent and answers what the test wants.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch, time::timeout};

/// The longest that any test waits for anything.
pub const BOUND: Duration = Duration::from_secs(30);
pub const REGISTER: &str = "/registry/register";
pub const HEARTBEAT: &str = "/registry/heartbeat";
pub const SECRETS: &str = "/workspaces/6b1f5a0e-8d7c-4a51-9a64-0a4f0b7f7c11/secrets/values";
pub const INBOUND: &str = "inbound-secret-of-the-test";

#[derive(Clone, Debug)]
pub struct Recorded {
    pub path: String,
    pub bearer: Option<String>,
    pub body: Value,
}

/// One prepared answer.
#[derive(Clone, Debug)]
pub enum Reply {
    Json(u16, Value),
    /// A refusal with Retry-After.
    Later(u16, u64),
    /// No answer for as long as the test runs.
    Never,
}

#[derive(Clone)]
pub struct Platform {
    pub url: String,
    shared: Arc<Shared>,
}

struct Shared {
    recorded: watch::Sender<Vec<Recorded>>,
    once: Mutex<HashMap<String, VecDeque<Reply>>>,
    always: Mutex<HashMap<String, Reply>>,
    /// For each path, the only bearer that is not answered with 401.
    bearers: Mutex<HashMap<String, String>>,
}

pub fn registered() -> Value {
    json!({"status": "registered", "delivery_mode": "push", "platform_inbound_secret": INBOUND})
}

impl Platform {
    pub async fn start() -> Self {
        Self::start_on(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    pub fn start_on(listener: TcpListener) -> Self {
        let shared = Arc::new(Shared {
            recorded: watch::Sender::new(Vec::new()),
            once: Mutex::default(),
            always: Mutex::default(),
            bearers: Mutex::default(),
        });
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(receive).with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, shared }
    }

    /// Answers the next request to `path` so. May be called repeatedly.
    pub fn once(&self, path: &str, reply: Reply) -> &Self {
        self.shared.once.lock().unwrap().entry(path.to_owned()).or_default().push_back(reply);
        self
    }

    /// Answers requests to `path` so from now on.
    pub fn always(&self, path: &str, reply: Reply) -> &Self {
        self.shared.always.lock().unwrap().insert(path.to_owned(), reply);
        self
    }

    /// Answers 401 to requests to `path` with another bearer.
    pub fn accept_only(&self, path: &str, bearer: &str) -> &Self {
        self.shared.bearers.lock().unwrap().insert(path.to_owned(), bearer.to_owned());
        self
    }

    /// All requests to `path` so far.
    pub fn all(&self, path: &str) -> Vec<Recorded> {
        self.shared.recorded.borrow().iter().filter(|recorded| recorded.path == path).cloned().collect()
    }

    /// Waits for a request that passes.
    pub async fn wait_for(&self, path: &str, what: &str, passes: impl Fn(&Recorded) -> bool) -> Recorded {
        let find = |all: &Vec<Recorded>| all.iter().find(|recorded| recorded.path == path && passes(recorded)).cloned();
        let mut recorded = self.shared.recorded.subscribe();
        let found = timeout(BOUND, recorded.wait_for(|all| find(all).is_some())).await;
        match found {
            Ok(all) => find(&all.unwrap()).unwrap(),
            Err(_) => panic!("no {path} with {what}; there were {:#?}", self.all(path)),
        }
    }

    /// Waits until `path` was asked for at least `number` times.
    pub async fn wait_for_number(&self, path: &str, number: usize) -> Vec<Recorded> {
        let mut recorded = self.shared.recorded.subscribe();
        let enough = |all: &Vec<Recorded>| all.iter().filter(|recorded| recorded.path == path).count() >= number;
        let reached = timeout(BOUND, recorded.wait_for(enough)).await.is_ok();
        assert!(reached, "not {number} requests to {path} but {:#?}", self.all(path));
        self.all(path)
    }

    /// Waits until the agent has registered and says so.
    pub async fn wait_until_registered(&self) {
        self.wait_for(HEARTBEAT, "register_state.ok", |beat| beat.body["register_state"]["ok"] == true).await;
    }
}

async fn receive(State(shared): State<Arc<Shared>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let path = uri.path().to_owned();
    let bearer = headers
        .get("authorization")
        .and_then(|value| value.to_str().unwrap().strip_prefix("Bearer ").map(str::to_owned));
    let reply = shared.reply(&path, bearer.as_deref());
    let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
    shared.recorded.send_modify(|all| all.push(Recorded { path, bearer, body }));
    match reply {
        Reply::Json(status, body) => (StatusCode::from_u16(status).unwrap(), body.to_string()).into_response(),
        Reply::Later(status, seconds) => {
            (StatusCode::from_u16(status).unwrap(), [("retry-after", seconds.to_string())], "{}").into_response()
        }
        Reply::Never => std::future::pending().await,
    }
}

impl Shared {
    fn reply(&self, path: &str, bearer: Option<&str>) -> Reply {
        if let Some(reply) = self.once.lock().unwrap().get_mut(path).and_then(VecDeque::pop_front) {
            return reply;
        }
        if self.bearers.lock().unwrap().get(path).is_some_and(|right| bearer != Some(right)) {
            return Reply::Json(401, json!({"error": "wrong token", "code": "unauthorized"}));
        }
        if let Some(reply) = self.always.lock().unwrap().get(path) {
            return reply.clone();
        }
        match path {
            REGISTER => Reply::Json(200, registered()),
            // As a platform from before secrets answers.
            SECRETS => Reply::Json(404, json!({"error": "there is no such route", "code": "not_found"})),
            HEARTBEAT => Reply::Json(200, json!({"status": "ok", "workspace_status": "online"})),
            _ => Reply::Json(200, json!({"status": "ok"})),
        }
    }
}
