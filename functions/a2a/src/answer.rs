//! Waiting for an outcome, and telling it.

use std::time::Duration;

use http::StatusCode;
use platform::store::{BodyKind, Look};
use platform::{Platform, Problem, Reply, Result};
use rules::Status;
use rules::envelope::{Form, Generation, rpc_result};
use rules::message::{Message, State};
use rules::task::{Asked, View};
use serde_json::json;

/// The looks at a record come at these distances, and then at the last one.
const LOOKS: [u64; 7] = [5, 10, 20, 50, 100, 200, 500];

/// A sender that waits, and what it hears of its target if the answer does not come.
pub(crate) struct Waiter {
    /// How long at most; none: one look.
    pub(crate) longest: Option<Duration>,
    /// The target's true status.
    pub(crate) status: Status,
    /// The target is called, and does not fetch.
    pub(crate) push: bool,
    /// In whose terms it is answered.
    pub(crate) form: Form,
}

/// Waits for the outcome of a message that is accepted. When too many senders wait in this process already, it does not
/// wait. Nor when it cannot look: accepted is accepted, and 503 would deny it.
pub(crate) async fn wait(platform: &Platform, mut message: Message, waiter: Waiter) -> Result<Reply> {
    let room = waiter.longest.and_then(|longest| Some((longest, platform.waiting.try_acquire().ok()?)));
    let end = room.as_ref().map(|(longest, _)| tokio::time::Instant::now() + *longest);
    let mut looks = LOOKS.into_iter();
    let mut distance = Duration::from_millis(LOOKS[0]);
    loop {
        let mut blind = false;
        match platform.store.message(message.target, message.id).await {
            Ok(found) => message = found.ok_or_else(Problem::unknown_message)?,
            Err(error) => {
                tracing::warn!(%error, message = %message.id, "no look at an accepted message");
                blind = true;
            }
        }
        if message.state.is_terminal() {
            return match message.state {
                State::Completed => outcome(platform, &message).await,
                _ if waiter.form.protocol => Ok(as_task(&message, None, &waiter.form)),
                _ => outcome(platform, &message).await,
            };
        }
        let now = tokio::time::Instant::now();
        let Some(end) = end.filter(|end| now < *end && !blind) else {
            return Ok(queued(platform, &message, &waiter).await);
        };
        distance = looks.next().map_or(distance, Duration::from_millis);
        tokio::time::sleep_until(end.min(now + distance)).await;
    }
}

/// The answer of the agent, its own status and bytes; or how the message ended without one.
pub(crate) async fn outcome(platform: &Platform, message: &Message) -> Result<Reply> {
    let ended = |status, code, text: &str| {
        Problem::new(status, code, format!("{text}: {}", message.reason.as_deref().unwrap_or("no reason recorded")))
            .with("queue_id", message.id.to_string())
            .with("status", message.state.as_str())
    };
    match (&message.state, &message.answer) {
        (State::Completed, Some(answer)) => {
            let body = platform.store.body(message.id, BodyKind::Answer).await?.unwrap_or_default();
            let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
            let reply = Reply::raw(status, &answer.content_type, body);
            let reply = reply.header("x-molecule-queue-id", &message.id.to_string());
            Ok(match &answer.a2a_version {
                Some(version) => reply.header("a2a-version", version),
                None => reply,
            })
        }
        (State::Expired, _) => Err(ended(StatusCode::GATEWAY_TIMEOUT, "message_expired", "the message expired")),
        (State::Cancelled, _) => Err(ended(StatusCode::CONFLICT, "message_cancelled", "the message was cancelled")),
        (State::Dropped, _) => {
            let workspace = platform.store.workspace(message.target).await?;
            if workspace.is_none_or(|workspace| workspace.status == Status::Removed) {
                return Err(Problem::gone().with("queue_id", message.id.to_string()));
            }
            let dropped = ended(StatusCode::SERVICE_UNAVAILABLE, "message_dropped", "the message was dropped");
            Err(dropped.retry_after(1))
        }
        _ => Err(ended(StatusCode::BAD_GATEWAY, "delivery_failed", "the agent did not answer the message")),
    }
}

/// The message as a Task, in the answer to the call that sent it.
fn as_task(message: &Message, depth: Option<u32>, form: &Form) -> Reply {
    let view = View { message, depth, request: None, answer: None };
    let task = view.task(form.generation, Asked::default());
    let result = match form.generation {
        Generation::V03 => task,
        Generation::V10 => json!({ "task": task }),
    };
    Reply::raw(StatusCode::OK, "application/json", rpc_result(&form.rpc_id, &result))
        .header("a2a-version", form.generation.version())
        .header("x-molecule-queue-id", &message.id.to_string())
}

async fn queued(platform: &Platform, message: &Message, waiter: &Waiter) -> Reply {
    let Waiter { status, push, .. } = *waiter;
    // Null when it cannot be counted.
    let slots = platform.store.look(message.target, &Look::record().slots()).await;
    let depth = slots.ok().map(|seen| seen.slots.waiting());
    let text = match (message.state, push, status.is_dispatchable()) {
        (State::Queued, _, _) if message.is_deferred() => "queued: it is not due yet".to_owned(),
        (State::Queued, false, _) => "queued for poll".to_owned(),
        (State::Queued, true, false) => format!("queued: {}", rules::dispatch::waiting_for(status)),
        (State::Queued, true, true) => match &message.reason {
            Some(reason) => format!("queued: {reason}"),
            None => "queued: it goes to the agent as soon as that has room".to_owned(),
        },
        _ => "delivered: the agent has not answered yet".to_owned(),
    };
    let location = format!("/workspaces/{}/a2a/queue/{}", message.target, message.id);
    if waiter.form.protocol {
        let message = Message { reason: message.reason.clone().or(Some(text)), ..message.clone() };
        return as_task(&message, depth, &waiter.form).header("location", &location).header("retry-after", "2");
    }
    let body = json!({
        "queued": true,
        "queue_id": message.id,
        "queue_depth": depth,
        "status": message.state,
        "message": text,
        "delivery_mode": if push { "push" } else { "poll" },
    });
    Reply::json(StatusCode::ACCEPTED, &body).header("location", &location).header("retry-after", "2")
}
