//! The life of a message: `queued → dispatched → delivered → completed | failed | expired | cancelled | coalesced | dropped`.

mod priority;
mod state;
#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::id::{MessageId, WorkspaceId};
use crate::time::Timestamp;

pub use priority::Priority;
pub use state::State;

/// Deliveries that may fail before the message does.
pub const MAX_ATTEMPTS: u32 = 5;
/// No message lives longer: the queue's pointers are kept for 14 days.
pub const MAX_LIFE: Duration = Duration::from_secs(12 * 24 * 3600);

/// Who sent it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "id")]
pub enum Caller {
    /// An operator.
    Admin,
    /// An operator with an org token.
    Org(String),
    /// Another workspace, or itself.
    Workspace(WorkspaceId),
    /// The platform.
    System(String),
}

impl Caller {
    /// One string per caller, for idempotency keys and logs.
    pub fn key(&self) -> String {
        match self {
            Self::Admin => "admin".to_owned(),
            Self::Org(id) => format!("org:{id}"),
            Self::Workspace(id) => id.to_string(),
            Self::System(name) => format!("system:{name}"),
        }
    }
}

/// One line of a message's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// When.
    pub at: Timestamp,
    /// `accepted`, `leased`, `sent`, `released`, `answered`, `done` and the like.
    pub what: String,
    /// Why, where there is a why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

/// The agent's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Its HTTP status.
    pub status: u16,
    /// Its content type.
    pub content_type: String,
}

/// A message as stored; its body and its answer's body lie beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The `queue_id`.
    pub id: MessageId,
    /// Who shall get it.
    pub target: WorkspaceId,
    /// Who sent it.
    pub caller: Caller,
    /// JSON-RPC method.
    pub method: String,
    /// The A2A `messageId`.
    pub message_id: String,
    /// The A2A `contextId`; names the lane.
    #[serde(default)]
    pub context_id: Option<String>,
    /// The sender's `A2A-Version`, passed on.
    #[serde(default)]
    pub a2a_version: Option<String>,
    /// Urgency.
    pub priority: Priority,
    /// Where it is.
    pub state: State,
    /// Raised by each write; the optimistic lock.
    pub version: u64,
    /// Digest of the body, for idempotency and integrity.
    pub body_digest: String,
    /// Deliveries that the agent answered with a failure.
    #[serde(default)]
    pub attempts: u32,
    /// Which pointer in the queue counts; raised before each send.
    #[serde(default)]
    pub send_epoch: u64,
    /// When the pointer was sent.
    #[serde(default)]
    pub sent_at: Option<Timestamp>,
    /// The slot that holds it.
    #[serde(default)]
    pub slot: Option<String>,
    /// That slot's epoch; an answer of another is late.
    #[serde(default)]
    pub slot_epoch: u64,
    /// The workspace's generation at dispatch.
    #[serde(default)]
    pub generation: u64,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// When it was last handed out.
    #[serde(default)]
    pub dispatched_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default)]
    pub finished_at: Option<Timestamp>,
    /// Not handed out after this.
    pub deadline: Timestamp,
    /// Not handed out before this.
    #[serde(default)]
    pub not_before: Option<Timestamp>,
    /// Why it waits or how it ended.
    #[serde(default)]
    pub reason: Option<String>,
    /// The pointer's receipt handle while dispatched.
    #[serde(default)]
    pub receipt: Option<String>,
    /// The answer's head, once there is one.
    #[serde(default)]
    pub answer: Option<Answer>,
    /// Its history, newest last, capped.
    #[serde(default)]
    pub timeline: Vec<Step>,
}

/// Lines kept of a message's history; the middle ones go first.
const MAX_TIMELINE: usize = 40;

impl Message {
    /// Adds a line to the history.
    pub fn note(&mut self, at: Timestamp, what: &str, why: impl Into<String>) {
        if self.timeline.len() >= MAX_TIMELINE {
            self.timeline.remove(MAX_TIMELINE / 2);
        }
        self.timeline.push(Step { at, what: what.to_owned(), why: why.into() });
    }

    /// Moves it to a state that ends it.
    pub fn finish(&mut self, at: Timestamp, state: State, reason: impl Into<String>) {
        let reason = reason.into();
        self.note(at, state.as_str(), reason.clone());
        self.state = state;
        self.reason = (!reason.is_empty()).then_some(reason);
        self.finished_at = Some(at);
        self.slot = None;
        self.receipt = None;
    }

    /// Puts it back into its lane. An attempt is counted only where the agent got it and failed.
    pub fn release(&mut self, at: Timestamp, reason: impl Into<String>, not_before: Option<Timestamp>, attempt: bool) {
        let reason = reason.into();
        self.note(at, "released", reason.clone());
        self.state = State::Queued;
        self.reason = Some(reason);
        self.not_before = not_before;
        self.attempts += u32::from(attempt);
        self.slot = None;
        self.receipt = None;
    }
}
