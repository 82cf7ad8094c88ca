//! Structure events: what happened to a workspace. Written in the transaction of the change they tell, never without one.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The closed set of event types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
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
    WorkspaceOutOfMemory,
    WorkspaceRemoved,
    WorkspaceExpanded,
    WorkspaceCollapsed,
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
    MessageReplayed,
    DelegationSent,
    DelegationStatus,
    DelegationComplete,
    DelegationFailed,
    CronExecuted,
    CronSkipped,
    CronMissed,
    CronCoalesced,
    ScheduleCreated,
    ScheduleUpdated,
    ScheduleDeleted,
    MemoryWriteGlobal,
    SecretSaved,
    SecretDeleted,
    TurnWrapUp,
    TurnCancelled,
    TurnRestarted,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_bear_the_names_that_clients_know() {
        for (kind, name) in [
            (EventType::WorkspaceProvisioning, "WORKSPACE_PROVISIONING"),
            (EventType::WorkspaceAwaitingAgent, "WORKSPACE_AWAITING_AGENT"),
            (EventType::WorkspaceOnline, "WORKSPACE_ONLINE"),
            (EventType::WorkspaceDegraded, "WORKSPACE_DEGRADED"),
            (EventType::WorkspaceOffline, "WORKSPACE_OFFLINE"),
            (EventType::WorkspaceProvisionFailed, "WORKSPACE_PROVISION_FAILED"),
            (EventType::WorkspacePaused, "WORKSPACE_PAUSED"),
            (EventType::WorkspaceHibernated, "WORKSPACE_HIBERNATED"),
            (EventType::WorkspaceOutOfMemory, "WORKSPACE_OUT_OF_MEMORY"),
            (EventType::WorkspaceRemoved, "WORKSPACE_REMOVED"),
            (EventType::WorkspaceExpanded, "WORKSPACE_EXPANDED"),
            (EventType::WorkspaceCollapsed, "WORKSPACE_COLLAPSED"),
            (EventType::AgentCardUpdated, "AGENT_CARD_UPDATED"),
            (EventType::DeliveryModeChanged, "DELIVERY_MODE_CHANGED"),
            (EventType::SecretSaved, "SECRET_SAVED"),
            (EventType::SecretDeleted, "SECRET_DELETED"),
        ] {
            assert_eq!(serde_json::to_value(kind).unwrap(), name);
        }
    }
}
