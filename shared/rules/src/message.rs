//! The life of a message: `queued → dispatched → delivered → completed | failed | expired | cancelled | coalesced | dropped`.

mod life;
mod priority;
mod state;
#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::id::{MessageId, ScheduleId, WorkspaceId};
use crate::task::AgentTask;
use crate::time::Timestamp;
use crate::trace::Trace;

pub use life::Accepted;
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

/// Whose delegation a message carries out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DelegationOf {
    /// The workspace that delegates.
    pub source: WorkspaceId,
    /// Its id there.
    pub id: String,
}

/// The fire of a schedule that a message is the turn of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FireOf {
    /// The target's schedule.
    pub schedule: ScheduleId,
    /// The nominal time of the fire.
    pub nominal: Timestamp,
    /// Started by hand or by a rule, not by its time.
    #[serde(default)]
    pub manual: bool,
}

/// One line of a message's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// When.
    pub at: Timestamp,
    /// `accepted`, `leased`, `sent`, `answered`, `done`; and where it took a detour `deferred`, `delivered`, `released`,
    /// `sent again`, `late`, `replayed`.
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
    /// Its `A2A-Version`; none means 0.3.
    #[serde(default)]
    pub a2a_version: Option<String>,
    /// The agent's own task that it is or belongs to.
    #[serde(default)]
    pub task: Option<AgentTask>,
}

/// A message as stored; its body and its answer's body lie beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The `queue_id`.
    pub id: MessageId,
    /// The organisation that it stays within.
    #[serde(default)]
    pub org: String,
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
    /// Deliveries that came to nothing: the agent answered with a failure, or its answer was lost.
    #[serde(default)]
    pub attempts: u32,
    /// Which pointer in the queue counts; raised before each send.
    #[serde(default)]
    pub send_epoch: u64,
    /// When the pointer was sent; none for a message that waits for its `not_before` outside the queue.
    #[serde(default)]
    pub sent_at: Option<Timestamp>,
    /// The slot that holds it.
    #[serde(default)]
    pub slot: Option<String>,
    /// That slot's epoch; an answer of another is late.
    #[serde(default)]
    pub slot_epoch: u64,
    /// Its agent fetched it, and holds it for as long as it says; it was not called.
    #[serde(default)]
    pub fetched: bool,
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
    /// The receipt handle of its pointer, as last received: kept after the delivery, as nothing else settles a pointer
    /// that could not be settled with it.
    #[serde(default)]
    pub receipt: Option<String>,
    /// The answer's head, once there is one.
    #[serde(default)]
    pub answer: Option<Answer>,
    /// The agent's own task, as a streamed answer named it before its end.
    #[serde(default)]
    pub streamed: Option<AgentTask>,
    /// The delegation that it carries out.
    #[serde(default)]
    pub delegation: Option<DelegationOf>,
    /// The fire that it is the turn of; its body is made when it is handed out.
    #[serde(default)]
    pub fire: Option<FireOf>,
    /// The trace that it belongs to; its agent's part of it is below this span.
    #[serde(default)]
    pub trace: Option<Trace>,
    /// Its history, newest last, capped.
    #[serde(default)]
    pub timeline: Vec<Step>,
}
