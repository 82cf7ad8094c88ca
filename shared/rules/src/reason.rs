//! Why a workspace is degraded, offline or failed: a code, since when, the evidence, and what to do.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// The closed set of causes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReasonCode {
    /// Half or more of the agent's turns fail.
    ErrorRate,
    /// The process lives but its agent is stuck.
    RuntimeWedged,
    /// An authenticated register did not succeed lately.
    RegisterFailed,
    /// Register keeps failing with 401 although the workspace is known to be that workspace.
    AuthFailing,
    /// It has capacity, and its oldest message still waits.
    QueueStarved,
    /// The lease ran out: no heartbeat in time.
    HeartbeatLost,
    /// Its container or process is gone.
    ContainerGone,
    /// It did not come up in time.
    ProvisionTimeout,
    /// It could not be started.
    ProvisionFailed,
    /// Its image is not there.
    ImageMissing,
    /// What should run it does not answer.
    EngineUnreachable,
    /// What should run it has no room.
    NoCapacity,
    /// What should run it cannot run its tier, or may not.
    TierRefused,
    /// Its memory limit ended it.
    OutOfMemory,
    /// It was restarted too often in a row.
    CrashLoop,
}

impl ReasonCode {
    /// The string of storage and wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ErrorRate => "error_rate",
            Self::RuntimeWedged => "runtime_wedged",
            Self::RegisterFailed => "register_failed",
            Self::AuthFailing => "auth_failing",
            Self::QueueStarved => "queue_starved",
            Self::HeartbeatLost => "heartbeat_lost",
            Self::ContainerGone => "container_gone",
            Self::ProvisionTimeout => "provision_timeout",
            Self::ProvisionFailed => "provision_failed",
            Self::ImageMissing => "image_missing",
            Self::EngineUnreachable => "engine_unreachable",
            Self::NoCapacity => "no_capacity",
            Self::TierRefused => "tier_refused",
            Self::OutOfMemory => "out_of_memory",
            Self::CrashLoop => "crash_loop",
        }
    }

    /// What an operator can do about it.
    pub const fn hint(self) -> &'static str {
        match self {
            Self::ErrorRate => {
                "read the agent's log for the failing turns; the status recovers below an error rate of 0.1"
            }
            Self::RuntimeWedged => {
                "restart the workspace; its process answers heartbeats but its agent does not run turns"
            }
            Self::RegisterFailed => {
                "fix what register answered (see evidence); a heartbeat with an agent card or a successful register clears this"
            }
            Self::AuthFailing => {
                "the agent lost its credential: POST /admin/workspaces/{id}/reset-credentials and start the agent with the result"
            }
            Self::QueueStarved => {
                "look at GET /workspaces/{id}/a2a/queue; the agent reports capacity but takes no messages"
            }
            Self::HeartbeatLost => {
                "check that the agent runs and reaches the platform; a heartbeat or register brings it back"
            }
            Self::ContainerGone => "see the container's last log lines; restart the workspace",
            Self::ProvisionTimeout => {
                "see the container's log, its image and the tier's memory limit; then restart the workspace"
            }
            Self::ProvisionFailed => "fix the cause in the evidence, then restart the workspace",
            Self::ImageMissing => {
                "build or pull the image that the evidence names, or correct WORKSPACE_IMAGE; then restart the workspace"
            }
            Self::EngineUnreachable => {
                "check that the container engine runs and that the platform may talk to it; the start is tried again by itself"
            }
            Self::NoCapacity => {
                "add capacity or lower the tier; the start is tried again by itself until its time is over"
            }
            Self::TierRefused => {
                "choose another tier (PATCH /workspaces/{id}) or another engine, then restart the workspace"
            }
            Self::OutOfMemory => {
                "give the workspace a larger tier, or raise its TIERn_MEMORY_MB; then restart the workspace"
            }
            Self::CrashLoop => "fix what makes the agent exit at start, then restart the workspace",
        }
    }
}

/// One cause, as stored and as shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusReason {
    /// Which cause.
    pub code: ReasonCode,
    /// Since when it holds, Unix milliseconds in storage.
    pub since: Timestamp,
    /// What was seen.
    pub evidence: String,
}

impl StatusReason {
    /// A cause with its evidence.
    pub fn new(code: ReasonCode, since: Timestamp, evidence: impl Into<String>) -> Self {
        Self { code, since, evidence: evidence.into() }
    }

    /// The wire form, with the hint.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "code": self.code,
            "since": self.since.rfc3339(),
            "evidence": self.evidence,
            "hint": self.code.hint(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_its_name_and_says_what_to_do() {
        use ReasonCode as C;
        for (code, name) in [
            (C::ErrorRate, "error_rate"),
            (C::RuntimeWedged, "runtime_wedged"),
            (C::RegisterFailed, "register_failed"),
            (C::AuthFailing, "auth_failing"),
            (C::QueueStarved, "queue_starved"),
            (C::HeartbeatLost, "heartbeat_lost"),
            (C::ContainerGone, "container_gone"),
            (C::ProvisionTimeout, "provision_timeout"),
            (C::ProvisionFailed, "provision_failed"),
            (C::ImageMissing, "image_missing"),
            (C::EngineUnreachable, "engine_unreachable"),
            (C::NoCapacity, "no_capacity"),
            (C::TierRefused, "tier_refused"),
            (C::OutOfMemory, "out_of_memory"),
            (C::CrashLoop, "crash_loop"),
        ] {
            let shown = StatusReason::new(code, Timestamp::from_millis(0), "seen").to_json();
            assert_eq!((shown["code"].as_str(), code.as_str()), (Some(name), name));
            assert_eq!(shown["since"], "1970-01-01T00:00:00.000Z");
            assert_eq!(shown["evidence"], "seen");
            assert!(shown["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{name}");
        }
    }
}
