//! The ten statuses of a workspace.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a workspace is known to be. The storage and wire strings derive from this enum and exist nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = WorkspaceStatus)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Its container is starting; no proof of life yet.
    Provisioning,
    /// Alive and healthy.
    Online,
    /// Alive but impaired; `status_reasons` say why.
    Degraded,
    /// Presumed dead.
    Offline,
    /// Its start failed.
    Failed,
    /// External, and no agent has connected yet.
    AwaitingAgent,
    /// Stopped by an operator.
    Paused,
    /// Being stopped for idleness.
    Hibernating,
    /// Stopped for idleness; a message or a fire wakes it.
    Hibernated,
    /// Deleted. Terminal.
    Removed,
}

impl Status {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 10] = [
        Self::Provisioning,
        Self::Online,
        Self::Degraded,
        Self::Offline,
        Self::Failed,
        Self::AwaitingAgent,
        Self::Paused,
        Self::Hibernating,
        Self::Hibernated,
        Self::Removed,
    ];

    /// The string of storage and wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provisioning => "provisioning",
            Self::Online => "online",
            Self::Degraded => "degraded",
            Self::Offline => "offline",
            Self::Failed => "failed",
            Self::AwaitingAgent => "awaiting_agent",
            Self::Paused => "paused",
            Self::Hibernating => "hibernating",
            Self::Hibernated => "hibernated",
            Self::Removed => "removed",
        }
    }

    /// Alive: holds a lease that must not run out.
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Online | Self::Degraded)
    }

    /// Stopped on purpose: heartbeats and registers do not bring it back.
    pub const fn is_stopped(self) -> bool {
        matches!(self, Self::Paused | Self::Hibernating | Self::Hibernated)
    }

    /// Whether a message may be handed to its agent now.
    pub const fn is_dispatchable(self) -> bool {
        self.is_live()
    }

    /// Whether a status of this kind must say why.
    pub const fn needs_reason(self) -> bool {
        matches!(self, Self::Degraded | Self::Offline | Self::Failed)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storage_strings_are_the_serde_strings() {
        for status in Status::ALL {
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
    }
}
