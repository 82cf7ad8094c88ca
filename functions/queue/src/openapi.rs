//! The OpenAPI description of this function.
#![expect(dead_code, reason = "these types describe answers; nothing makes a value of them")]

use platform::openapi::Time;
use rules::message::State;
use rules::{MessageId, WorkspaceId};
use serde_json::Value;
use utoipa::{OpenApi, ToSchema};

/// A page of messages.
#[derive(ToSchema)]
pub(crate) struct Messages {
    items: Vec<Message>,
    /// The `cursor` of the next page, if there is one.
    next: Option<MessageId>,
}

/// A message, as lists show it.
#[derive(ToSchema)]
pub(crate) struct Message {
    queue_id: MessageId,
    /// Its target.
    workspace_id: WorkspaceId,
    /// Its sender.
    caller: String,
    status: State,
    /// It has not ended yet.
    open: bool,
    /// Why it is in its state.
    reason: Option<String>,
    method: String,
    message_id: String,
    context_id: Option<String>,
    priority: u8,
    attempts: u32,
    /// The agent has it, or had it.
    delivered: bool,
    accepted_at: Time,
    dispatched_at: Option<Time>,
    finished_at: Option<Time>,
    deadline: Time,
    not_before: Option<Time>,
}

/// A message, and what became of it.
#[derive(ToSchema)]
pub(crate) struct MessageInFull {
    #[serde(flatten)]
    message: Message,
    /// Open messages of its target that are older; of one that waits.
    position: Option<usize>,
    /// W3C Trace Context.
    traceparent: Option<String>,
    timeline: Vec<Step>,
    result: Option<Outcome>,
}

/// A step of a message.
#[derive(ToSchema)]
#[schema(as = MessageStep)]
pub(crate) struct Step {
    at: Time,
    what: String,
    why: String,
}

/// The agent's answer.
#[derive(ToSchema)]
#[schema(as = MessageAnswer)]
pub(crate) struct Outcome {
    status: u16,
    content_type: String,
    body: Value,
}

/// A message that was called off.
#[derive(ToSchema)]
#[schema(as = CancelledMessage)]
pub(crate) struct Cancelled {
    status: State,
    queue_id: MessageId,
    /// Its state before.
    was: State,
}

/// A message that waits again.
#[derive(ToSchema)]
#[schema(as = ReplayedMessage)]
pub(crate) struct Replayed {
    queued: bool,
    queue_id: MessageId,
    status: State,
    deadline: Time,
}

/// A message that is answered.
#[derive(ToSchema)]
#[schema(as = SettledMessage)]
pub(crate) struct Settled {
    status: State,
}

/// How many messages were dropped.
#[derive(ToSchema)]
#[schema(as = DroppedMessages)]
pub(crate) struct Dropped {
    dropped: u64,
}

#[derive(OpenApi)]
#[openapi(paths(
    crate::list::list,
    crate::get::get,
    crate::cancel::cancel,
    crate::replay::replay,
    crate::result::result,
    crate::dead::dead,
    crate::drop_stale::drop_stale,
))]
struct Described;

/// What its routes take and answer.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Described::openapi()
}
