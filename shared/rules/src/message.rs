//! The life of a message: `queued → dispatched → delivered → completed | failed | expired | cancelled | coalesced | dropped`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::id::{MessageId, WorkspaceId};
use crate::time::Timestamp;

/// Deliveries that may fail before the message does.
pub const MAX_ATTEMPTS: u32 = 5;
/// No message lives longer: the queue's pointers are kept for 14 days.
pub const MAX_LIFE: Duration = Duration::from_secs(12 * 24 * 3600);

/// Where a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Waits in its lane.
    Queued,
    /// Holds a slot; may or may not have reached the agent.
    Dispatched,
    /// The agent has it; its answer is awaited.
    Delivered,
    /// Answered.
    Completed,
    /// Ended without a usable answer.
    Failed,
    /// Its time ran out.
    Expired,
    /// Withdrawn by its sender or the operator.
    Cancelled,
    /// A newer one took its place.
    Coalesced,
    /// Given up by the platform, with a reason.
    Dropped,
}

impl State {
    /// The string of storage and wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Dispatched => "dispatched",
            Self::Delivered => "delivered",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Coalesced => "coalesced",
            Self::Dropped => "dropped",
        }
    }

    /// Nothing more happens to it.
    pub const fn is_terminal(self) -> bool {
        !matches!(self, Self::Queued | Self::Dispatched | Self::Delivered)
    }

    /// Whether `to` may follow.
    pub const fn may_become(self, to: Self) -> bool {
        match (self, to) {
            (Self::Queued, Self::Delivered | Self::Completed) => false,
            (Self::Queued, _) => true,
            (Self::Dispatched, Self::Coalesced | Self::Dispatched) => false,
            (Self::Dispatched, _) => true,
            // Delivered goes back to the queue only for a new generation or an agent that de-duplicates.
            (Self::Delivered, Self::Dispatched | Self::Delivered | Self::Coalesced) => false,
            (Self::Delivered, _) => true,
            _ => false,
        }
    }
}

/// Urgency, settled at accept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Served when nothing else waits; lives 30 minutes.
    Info,
    /// The usual one.
    #[default]
    Task,
    /// Served first.
    Critical,
}

impl Priority {
    /// All, most urgent first.
    pub const ALL: [Self; 3] = [Self::Critical, Self::Task, Self::Info];

    /// The string of storage and of the queue's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Task => "task",
            Self::Critical => "critical",
        }
    }

    /// The number of the API.
    pub const fn number(self) -> u8 {
        match self {
            Self::Info => 10,
            Self::Task => 50,
            Self::Critical => 100,
        }
    }

    /// Reads the API's number or name.
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "critical" | "100" => Some(Self::Critical),
            "task" | "50" => Some(Self::Task),
            "info" | "10" => Some(Self::Info),
            _ => None,
        }
    }

    /// How long a message of this priority lives when its sender names no deadline.
    pub const fn default_life(self) -> Duration {
        match self {
            Self::Info => Duration::from_secs(30 * 60),
            Self::Task => Duration::from_secs(24 * 3600),
            Self::Critical => MAX_LIFE,
        }
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_state_is_left_by_nothing() {
        use State::{Cancelled, Coalesced, Completed, Delivered, Dispatched, Dropped, Expired, Failed, Queued};
        let all = [Queued, Dispatched, Delivered, Completed, Failed, Expired, Cancelled, Coalesced, Dropped];
        for from in all {
            for to in all {
                if from.is_terminal() {
                    assert!(!from.may_become(to), "{from:?} → {to:?}");
                }
            }
        }
        assert!(!Queued.may_become(Completed), "nothing is answered that was not handed out");
        assert!(Dispatched.may_become(Queued) && Delivered.may_become(Completed));
    }

    #[test]
    fn priorities_are_read_by_number_and_name() {
        for (text, priority) in
            [("100", Some(Priority::Critical)), ("TASK", Some(Priority::Task)), ("info", Some(Priority::Info)), ("7", None)]
        {
            assert_eq!(Priority::parse(text), priority);
        }
    }
}
