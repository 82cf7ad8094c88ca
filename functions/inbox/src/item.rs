//! A fetched message on the wire.

use std::time::Duration;

use platform::lease::Taken;
use rules::message::{Caller, Message};
use rules::{Timestamp, WorkspaceId};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

/// What the agent gets: the envelope as its sender sent it, and what it needs to answer.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = InboxItem)]
pub(crate) struct Item {
    #[schema(format = Uuid)]
    queue_id: String,
    /// Names this lease; an answer under another is late.
    slot_epoch: u64,
    method: String,
    message_id: String,
    context_id: Option<String>,
    /// The workspace that sent it, if one did.
    caller_id: Option<WorkspaceId>,
    caller: String,
    priority: u8,
    a2a_version: Option<String>,
    /// W3C Trace Context, as an agent that is called gets it in its headers.
    traceparent: Option<String>,
    tracestate: Option<String>,
    #[schema(value_type = serde_json::Value)]
    body: Box<RawValue>,
    attempts: u32,
    /// The agent may have seen it before.
    redelivered: bool,
    #[schema(value_type = platform::openapi::Time)]
    enqueued_at: String,
    #[schema(value_type = platform::openapi::Time)]
    deadline: String,
    #[schema(value_type = platform::openapi::Time)]
    lease_expires_at: String,
    lease_seconds: f64,
}

impl Item {
    /// A message that is leased until `until`, for `length`.
    pub(crate) fn new(taken: &Taken, until: Timestamp, length: Duration) -> Self {
        let message: &Message = &taken.message;
        let raw = serde_json::from_slice(&taken.body).ok();
        let text = || to_raw_value(&String::from_utf8_lossy(&taken.body)).ok();
        Self {
            queue_id: message.id.to_string(),
            slot_epoch: message.slot_epoch,
            method: message.method.clone(),
            message_id: message.message_id.clone(),
            context_id: message.context_id.clone(),
            caller_id: match &message.caller {
                Caller::Workspace(id) => Some(*id),
                _ => None,
            },
            caller: message.caller.key(),
            priority: message.priority.number(),
            a2a_version: message.a2a_version.clone(),
            traceparent: message.trace.as_ref().map(|trace| trace.parent.clone()),
            tracestate: message.trace.as_ref().and_then(|trace| trace.state.clone()),
            body: raw.or_else(text).unwrap_or_default(),
            attempts: message.attempts,
            redelivered: message.attempts > 0,
            enqueued_at: message.accepted_at.rfc3339(),
            deadline: message.deadline.rfc3339(),
            lease_expires_at: until.rfc3339(),
            lease_seconds: length.as_secs_f64(),
        }
    }
}
