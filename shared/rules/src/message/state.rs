//! Where a message is, and where it may go from there.

use serde::{Deserialize, Serialize};

/// Where a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = MessageState)]
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

    /// An agent has it, or is being called.
    pub const fn is_held(self) -> bool {
        matches!(self, Self::Dispatched | Self::Delivered)
    }

    /// Ended without an answer, through nobody's wish: an operator may revive it. See [`super::Message::replay`].
    pub const fn may_be_replayed(self) -> bool {
        matches!(self, Self::Failed | Self::Expired | Self::Dropped)
    }

    /// Whether `to` may follow by itself.
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
