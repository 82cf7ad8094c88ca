//! An agent that answers at once and notes when it was called.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use axum::Router;
use axum::extract::State;

/// When it was called.
#[derive(Clone, Default)]
pub(crate) struct Calls(Arc<Mutex<Vec<Instant>>>);

impl Calls {
    pub(crate) fn all(&self) -> Vec<Instant> {
        self.0.lock().unwrap().clone()
    }
}

/// Starts it on a free port of loopback; its URL and its calls.
pub(crate) async fn start() -> (String, Calls) {
    let calls = Calls::default();
    let answer = async |State(calls): State<Calls>| {
        calls.0.lock().unwrap().push(Instant::now());
        ([("content-type", "application/json")], r#"{"jsonrpc":"2.0","id":1,"result":{"kind":"message","parts":[]}}"#)
    };
    let router = Router::new().fallback(answer).with_state(calls.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, calls)
}
