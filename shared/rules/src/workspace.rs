//! The workspace record: what is stored about one agent, written on changes only, never per heartbeat.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::delivery::Delivery;
use crate::field::WorkspaceAccess;
use crate::id::WorkspaceId;
use crate::lease::Beat;
use crate::reason::StatusReason;
use crate::start::Start;
use crate::status::Status;
use crate::team::Member;
use crate::tier::Tier;
use crate::time::Timestamp;

/// The runtime name of an agent that the platform does not provision.
pub const EXTERNAL_RUNTIME: &str = "external";

/// One agent. `version` rises with each write, and each write is conditional on the version it was decided from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Workspace {
    /// Its id.
    pub id: WorkspaceId,
    /// The organisation it belongs to.
    pub org: String,
    /// Raised by each write; the optimistic lock.
    pub version: u64,
    /// Display name.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub role: Option<String>,
    /// Isolation and size.
    pub tier: Tier,
    /// The stored status; see [`crate::liveness::effective`] for the true one.
    pub status: Status,
    /// Since when the stored status holds. Timeouts count from here.
    pub status_since: Timestamp,
    /// Why, when degraded, offline or failed.
    #[serde(default)]
    pub status_reasons: Vec<StatusReason>,
    /// Its parent in the tree; none for a root.
    #[serde(default)]
    pub parent_id: Option<WorkspaceId>,
    /// Which agent software; `external` when not provisioned by the platform.
    pub runtime: String,
    /// The command of a turn, where the image does not name it or names another.
    #[serde(default)]
    pub command: Option<String>,
    /// Which model the agent uses.
    #[serde(default)]
    pub model: Option<String>,
    /// Push or poll, and whether that was asked for.
    pub delivery: Delivery,
    /// The agent's A2A endpoint.
    #[serde(default)]
    pub url: Option<String>,
    /// The URL was assigned by the provisioner, so it is exempt from the URL policy.
    #[serde(default)]
    pub url_assigned: bool,
    /// The A2A agent card, as JSON text.
    #[serde(default)]
    pub agent_card: Option<String>,
    /// How many turns may run at once.
    pub max_concurrent_tasks: u32,
    /// Rises with each start; an older generation is a zombie.
    pub generation: u64,
    /// Nobody ever held a token for it, so its first register needs none. Closes for good with the first credential.
    #[serde(default)]
    pub bootstrap_open: bool,
    /// When an authenticated register last ended without success; cleared by a success or a heartbeat with a card.
    #[serde(default)]
    pub register_failure: Option<RegisterFailure>,
    /// Registers with a credential that was once this workspace's own, and no longer is.
    #[serde(default)]
    pub auth_failure: Option<AuthFailure>,
    /// The bearer that the platform shows to this workspace's agent in this generation.
    pub inbound_secret: String,
    /// A host directory for the container, and what it may do there.
    #[serde(default)]
    pub workspace_dir: Option<String>,
    /// How the directory is mounted.
    #[serde(default)]
    pub workspace_access: WorkspaceAccess,
    /// Idle for so many minutes, it is hibernated.
    #[serde(default)]
    pub hibernation_idle_minutes: Option<u32>,
    /// The start of the current generation.
    #[serde(default)]
    pub start: Start,
    /// Rises with each change of the secrets that it gets.
    #[serde(default)]
    pub secrets_revision: u64,
    /// Which of them its runtime has fetched, or was started with.
    #[serde(default)]
    pub secrets_seen: u64,
    /// The sub-workspaces that an expand makes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub team: Vec<Member>,
    /// Monthly limit in cents.
    #[serde(default)]
    pub budget_limit: Option<i64>,
    /// Spend of the month in cents, kept when the lease ended.
    #[serde(default)]
    pub monthly_spend: i64,
    /// Position on the canvas.
    #[serde(default)]
    pub x: f64,
    /// Position on the canvas.
    #[serde(default)]
    pub y: f64,
    /// Shown folded on the canvas.
    #[serde(default)]
    pub collapsed: bool,
    /// What the agent last reported, kept when its lease ended.
    #[serde(default)]
    pub last_beat: Option<Beat>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last written.
    pub updated_at: Timestamp,
}

/// An authenticated register that did not end with 200.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterFailure {
    /// When.
    pub at: Timestamp,
    /// With what answer.
    pub code: String,
}

/// Registers that ended in 401 although the caller proved to be this workspace: a tombstoned token of its own, or a used
/// up credential. A stranger's 401 is never recorded here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthFailure {
    /// The first of them.
    pub since: Timestamp,
    /// The latest of them.
    pub last: Timestamp,
}

impl Workspace {
    /// Not provisioned by the platform.
    pub fn is_external(&self) -> bool {
        self.runtime == EXTERNAL_RUNTIME
    }

    /// A copy in a status that begins now, for these reasons, to be written over the one that was read.
    #[must_use]
    pub fn moved(&self, status: Status, reasons: Vec<StatusReason>, now: Timestamp) -> Self {
        Self {
            status,
            status_since: now,
            status_reasons: reasons,
            version: self.version + 1,
            updated_at: now,
            ..self.clone()
        }
    }

    /// What a purge leaves of a removed workspace: that it was, and is no more.
    #[must_use]
    pub fn purged(&self, now: Timestamp) -> Self {
        Self {
            name: String::new(),
            role: None,
            model: None,
            command: None,
            url: None,
            agent_card: None,
            inbound_secret: String::new(),
            workspace_dir: None,
            status_reasons: Vec::new(),
            register_failure: None,
            auth_failure: None,
            team: Vec::new(),
            last_beat: None,
            start: Start { spec: String::new(), reason: String::new(), ..self.start.clone() },
            version: self.version + 1,
            updated_at: now,
            ..self.clone()
        }
    }

    /// Drops marks that have aged beyond `window`: they weigh nothing any more.
    pub fn forget_aged_marks(&mut self, now: Timestamp, window: Duration) {
        if self.register_failure.as_ref().is_some_and(|failure| now.since(failure.at) >= window) {
            self.register_failure = None;
        }
        if self.auth_failure.is_some_and(|failure| now.since(failure.last) >= window) {
            self.auth_failure = None;
        }
    }

    /// The next heartbeat must look at the record: it has a failure to weigh, or no card yet.
    pub fn wants_control(&self) -> bool {
        self.register_failure.is_some() || self.auth_failure.is_some() || self.agent_card.is_none()
    }
}
