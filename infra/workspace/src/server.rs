//! The A2A endpoint. Anybody may read the card and ask for health; a message must come from the platform.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{Request, State as Extract},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use http_body_util::BodyExt as _;
use serde_json::{json, value::RawValue};
use tokio::time::timeout;
use tracing::{debug, info};

use crate::{
    command::{self, Input},
    control,
    delivery::{Owed, ReplyTo},
    outcome::Outcome,
    prefer,
    rpc::{self, Call},
    state::State,
    turns::{Admission, Run},
};

/// 1 MiB of message, and room for what the platform wraps around it.
const BODY_LIMIT: usize = 1024 * 1024 + 64 * 1024;
/// How much more of a refused body is read, so that the sender sees the refusal and not a broken connection.
const DISCARD_LIMIT: usize = 8 * 1024 * 1024;
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
const LONGEST_CALLER: usize = 128;

/// What came of reading a body.
enum Received {
    Whole(Vec<u8>),
    TooLarge,
    Broken,
}

/// The routes.
pub fn router(state: Arc<State>) -> Router {
    Router::new()
        .route("/.well-known/agent-card.json", get(card).fallback(call))
        .route("/.well-known/agent.json", get(card).fallback(call))
        .route("/health", get(health).fallback(call))
        .fallback(call)
        .with_state(state)
}

async fn card(Extract(state): Extract<Arc<State>>) -> Response {
    json_response(StatusCode::OK, state.card.to_string())
}

async fn health() -> Response {
    json_response(StatusCode::OK, json!({"status": "ok"}).to_string())
}

async fn call(Extract(state): Extract<Arc<State>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    match head.method {
        Method::POST => {}
        Method::GET | Method::HEAD => {
            return refuse(StatusCode::NOT_FOUND, "not_found", "there is nothing here");
        }
        _ => {
            return refuse(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "messages come by POST");
        }
    }
    if let Some(refusal) = unauthorized(&state, &head.headers) {
        let _ = timeout(BODY_TIMEOUT, read(body, 0)).await;
        return refusal;
    }
    let body = match timeout(BODY_TIMEOUT, read(body, BODY_LIMIT)).await {
        Ok(Received::Whole(body)) => body,
        Ok(Received::TooLarge) => {
            let text = format!("a message has at most {BODY_LIMIT} bytes");
            return refuse(StatusCode::PAYLOAD_TOO_LARGE, "too_large", &text);
        }
        Ok(Received::Broken) | Err(_) => {
            return refuse(StatusCode::REQUEST_TIMEOUT, "body_incomplete", "the body did not arrive within 30 s");
        }
    };
    let call = match rpc::parse(&body) {
        Ok(call) => call,
        Err(rejected) => return answer(&rejected.response()),
    };
    drop(body);
    if !is_delivery(&head.headers)
        && let Some(outcome) = controlled(&state, &call)
    {
        return answer(&call.response(&outcome));
    }
    take(state, &head.headers, call).await
}

/// A message of somebody's that the platform delivers. What it says of running turns is nobody's request: only the
/// platform's own words, which are no deliveries, are obeyed.
fn is_delivery(headers: &HeaderMap) -> bool {
    headers.contains_key("x-molecule-slot-epoch")
}

/// What came of a message that asks for something about running turns; those start no turn.
fn controlled(state: &State, call: &Call) -> Option<Outcome> {
    let told = match call.kind.as_deref()? {
        control::CHECKPOINT => "asked the running turns to end",
        control::CANCEL => "stopped the turn",
        control::RESTART => "stopped all turns",
        _ => return None,
    };
    control::obey(state, &call.request);
    Some(Outcome::answer(told.to_owned()))
}

/// Why the request may not send a message, if it may not.
fn unauthorized(state: &State, headers: &HeaderMap) -> Option<Response> {
    let Some(secret) = state.inbound_secret() else {
        return Some(retry_soon("not_registered", "this workspace has not registered yet; try again"));
    };
    let offered = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    if offered.is_some_and(|offered| secret.matches(offered.trim())) {
        return None;
    }
    let text = "only the platform may send messages here, with the secret of the last register as bearer token";
    Some(refuse(StatusCode::UNAUTHORIZED, "unauthorized", text))
}

/// Starts a turn for the message, or joins the one it already has, and waits for the answer as long as is wanted.
async fn take(state: Arc<State>, headers: &HeaderMap, call: Call) -> Response {
    let header = |name: &str| headers.get(name)?.to_str().ok().filter(|value| !value.is_empty());
    let caller = header("x-workspace-id").filter(|caller| caller.len() <= LONGEST_CALLER).map(str::to_owned);
    let to = ReplyTo::from_headers(headers);
    let key = call.message_id.clone().map(|id| (caller.clone(), id));
    let turn = match state.turns.admit(key, || state.activity.begin(&call.text)) {
        Admission::Busy => {
            let text = match state.secrets.are_known() {
                true => "this workspace can take no further message now",
                false => "this workspace has not got its secrets from the platform yet",
            };
            return retry_soon("busy", text);
        }
        Admission::Joined(turn) => {
            debug!(message_id = call.message_id, "the message has come before");
            turn
        }
        Admission::Started(turn, run) => {
            let input = Input {
                text: call.text.clone(),
                caller,
                context_id: call.context_id.clone(),
                message_id: call.message_id.clone(),
                queue_id: to.as_ref().map(|to| to.queue_id.clone()),
                traceparent: header("traceparent").map(str::to_owned),
                tracestate: header("tracestate").map(str::to_owned),
            };
            tokio::spawn(work(Arc::clone(&state), run, input));
            turn
        }
    };
    // Without a place for a later answer, now is the only time to answer.
    let patience = prefer::wait(headers).filter(|_| to.is_some()).map(|wait| wait.min(state.options.answer_within));
    let owed = match Owed::new(state, call, turn.clone(), to) {
        Ok(owed) => owed,
        Err(call) => return answer(&call.response(&*turn.outcome().await)),
    };
    let outcome = match patience {
        Some(patience) => timeout(patience, turn.outcome()).await.ok(),
        None => Some(turn.outcome().await),
    };
    match outcome.and_then(|outcome| owed.settle(&outcome)) {
        Some(response) => answer(&response),
        None => accepted(),
    }
}

/// Runs one turn to its end, whoever still waits for it.
pub async fn work(state: Arc<State>, run: Run, input: Input) {
    let message_id = input.message_id.clone().unwrap_or_default();
    info!(message_id, "turn started");
    // In a task of its own, so that a panic in it ends this turn and nothing else.
    let running = Arc::clone(&state);
    let outcome = tokio::spawn(async move { command::run(&running, input).await })
        .await
        .unwrap_or_else(|error| Outcome::failure(format!("the turn broke off inside the runtime: {error}")));
    let error = outcome.error();
    match &error {
        None => info!(message_id, "turn ended"),
        Some(error) => info!(message_id, error, "turn failed"),
    }
    if state.is_replaced() {
        // The newer generation answers. This program ends, and this with it.
        std::future::pending::<()>().await;
    }
    state.activity.turn_ended(error.as_deref());
    state.turns.finish(run, outcome);
}

/// Reads a body and keeps it if it has at most `limit` bytes. Of a longer one some more is read and thrown away.
async fn read(mut body: Body, limit: usize) -> Received {
    let mut kept = Vec::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return Received::Broken;
        };
        let Some(bytes) = frame.data_ref() else {
            continue;
        };
        length += bytes.len();
        if length <= limit {
            kept.extend_from_slice(bytes);
        } else if length > limit + DISCARD_LIMIT {
            break;
        }
    }
    if length > limit { Received::TooLarge } else { Received::Whole(kept) }
}

fn answer(response: &RawValue) -> Response {
    json_response(StatusCode::OK, response.get().to_owned())
}

fn accepted() -> Response {
    let mut response = json_response(StatusCode::ACCEPTED, json!({"status": "accepted"}).to_string());
    response.headers_mut().insert("preference-applied", HeaderValue::from_static("respond-async"));
    response
}

fn retry_soon(code: &str, text: &str) -> Response {
    let mut response = refuse(StatusCode::SERVICE_UNAVAILABLE, code, text);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

fn refuse(status: StatusCode, code: &str, text: &str) -> Response {
    json_response(status, json!({"error": text, "code": code}).to_string())
}

fn json_response(status: StatusCode, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
