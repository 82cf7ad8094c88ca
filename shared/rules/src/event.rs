//! Structure events: what happened to a workspace. Written in the transaction of the change they tell, never without one.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The closed set of event types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "the names are the documentation; payloads are described where each is made")]
pub enum EventType {
    WorkspaceProvisioning,
    WorkspaceAwaitingAgent,
    WorkspaceOnline,
    WorkspaceDegraded,
    WorkspaceOffline,
    WorkspaceProvisionFailed,
    WorkspacePaused,
    WorkspaceHibernated,
    WorkspaceRemoved,
    WorkspaceUpdated,
    WorkspaceMoved,
    AgentCardUpdated,
    DeliveryModeChanged,
    RegisterFailed,
    CredentialsReset,
    TokenIssued,
    TokenRevoked,
    MessageFailed,
    MessageExpired,
    MessageCancelled,
    MessageDropped,
}

/// An event before it gets an id and a place.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// What happened.
    pub kind: EventType,
    /// The details, an object.
    pub payload: Value,
}

impl Event {
    /// An event with its payload, an object.
    pub fn new(kind: EventType, payload: Value) -> Self {
        Self { kind, payload }
    }
}
