//! Tokens and boot credentials: who may register, who may heartbeat, and what a register hands out.

use serde::{Deserialize, Serialize};

use crate::id::{TokenId, WorkspaceId};
use crate::status::Status;
use crate::time::Timestamp;
use crate::workspace::Workspace;

/// Live tokens that one workspace may have.
pub const MAX_LIVE_TOKENS: usize = 50;

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    /// Held by the runtime of one generation: registers and heartbeats.
    Instance,
    /// Held by a caller of the API in the workspace's name: never heartbeats.
    Api,
    /// Held by an operator of the organisation.
    Org,
}

/// A token as stored. Only its digest is known; a revoked one stays as a tombstone for seven days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Public handle.
    pub id: TokenId,
    /// What it is for.
    pub kind: TokenKind,
    /// The workspace it speaks for; none for an org token.
    #[serde(default)]
    pub workspace_id: Option<WorkspaceId>,
    /// The organisation.
    pub org: String,
    /// The generation that an instance token belongs to.
    #[serde(default)]
    pub generation: u64,
    /// SHA-256 of the token, base64url.
    pub digest: String,
    /// The first characters, to tell tokens apart.
    pub prefix: String,
    /// A label given by the operator.
    #[serde(default)]
    pub name: Option<String>,
    /// Who asked for it.
    #[serde(default)]
    pub created_by: Option<String>,
    /// When it was issued.
    pub created_at: Timestamp,
    /// When it was last seen, to the minute.
    #[serde(default)]
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    #[serde(default)]
    pub revoked_at: Option<Timestamp>,
}

impl Token {
    /// Not revoked.
    pub fn is_live(&self) -> bool {
        self.revoked_at.is_none()
    }

    /// Speaks, or once spoke, for `workspace`.
    pub fn belongs_to(&self, workspace: WorkspaceId) -> bool {
        self.workspace_id == Some(workspace)
    }
}

/// A credential that only register accepts: a provisioned container's for its whole generation, or an operator's, once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootCredential {
    /// Whose.
    pub workspace_id: WorkspaceId,
    /// For which start.
    pub generation: u64,
    /// SHA-256 of the credential, base64url.
    pub digest: String,
    /// Good for one exchange.
    pub once: bool,
    /// Good until then, if it ends by time.
    #[serde(default)]
    pub ends_at: Option<Timestamp>,
    /// The token of the last exchange; the next exchange revokes it.
    #[serde(default)]
    pub exchanged_for: Option<String>,
}

/// Whether the first register of a new workspace needs no credential: neither its creator got one nor does an engine bring
/// one, and this is development. In production an operator makes one for it, as there an id alone makes nobody a workspace.
pub const fn bootstrap_opens(external: bool, runs_here: bool, development: bool) -> bool {
    !external && !runs_here && development
}

/// What a caller presented, as found in storage.
#[derive(Debug, Clone, Copy)]
pub enum Presented<'a> {
    /// No bearer.
    Nothing,
    /// A bearer that nobody knows.
    Unknown,
    /// A token, live or a tombstone.
    Token(&'a Token),
    /// A boot credential.
    Boot(&'a BootCredential),
}

/// What a permitted register does about tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// The caller keeps the token it showed.
    Keep,
    /// The first token of a workspace that never had one.
    First,
    /// A new token for the boot credential; the token of the exchange before is revoked.
    Exchange,
    /// A new token for an operator's one-time credential; every instance token is revoked, and the credential is used up.
    Reset,
}

/// Why a credential does not serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// None was shown, and one is needed.
    #[error("a bearer token is required")]
    Missing,
    /// It is not this workspace's, or no longer.
    #[error("the bearer token is not valid for this workspace")]
    Invalid {
        /// It once was this workspace's: the failure counts against the workspace.
        own: bool,
    },
    /// It belongs to an older start of the workspace.
    #[error("the credential belongs to an older generation of the workspace")]
    StaleGeneration,
    /// API tokens are no proof of life.
    #[error("an API token cannot register or heartbeat; use the runtime's own token")]
    NotInstance,
}

/// Whether the caller may register `workspace`, and what happens to tokens if so. A removed workspace is nobody's.
///
/// # Errors
/// A [`Denial`]; only `Invalid { own: true }` may be held against the workspace.
pub fn may_register(workspace: &Workspace, presented: Presented<'_>, now: Timestamp) -> Result<Grant, Denial> {
    match presented {
        Presented::Nothing => may_heartbeat(workspace, presented).map(|()| Grant::First),
        Presented::Boot(boot) if boot.workspace_id == workspace.id && workspace.status != Status::Removed => {
            let spent = boot.once && boot.exchanged_for.is_some();
            if boot.generation < workspace.generation {
                Err(Denial::StaleGeneration)
            } else if spent || boot.ends_at.is_some_and(|end| end <= now) {
                Err(Denial::Invalid { own: true })
            } else if boot.once {
                Ok(Grant::Reset)
            } else {
                Ok(Grant::Exchange)
            }
        }
        // No 409 for the token of an earlier start: a container that finds it on its disk goes on to its boot credential.
        Presented::Token(token) if !token.is_live() && token.generation < workspace.generation => {
            Err(Denial::Invalid { own: false })
        }
        other => may_heartbeat(workspace, other).map(|()| Grant::Keep),
    }
}

/// Whether the caller may renew the lease of `workspace`.
///
/// # Errors
/// As for [`may_register`].
pub fn may_heartbeat(workspace: &Workspace, presented: Presented<'_>) -> Result<(), Denial> {
    let stranger = Err(Denial::Invalid { own: false });
    let removed = workspace.status == Status::Removed;
    match presented {
        Presented::Nothing if workspace.bootstrap_open && !removed => Ok(()),
        Presented::Nothing => Err(Denial::Missing),
        Presented::Unknown | Presented::Boot(_) => stranger,
        Presented::Token(token) if removed || !token.belongs_to(workspace.id) => stranger,
        // A former API caller is not the runtime: its tombstone proves nothing about how the runtime fares.
        Presented::Token(token) if token.kind != TokenKind::Instance => {
            if token.is_live() {
                Err(Denial::NotInstance)
            } else {
                stranger
            }
        }
        // A zombie hears what it is. It never degrades the start that replaced it.
        Presented::Token(token) if token.generation < workspace.generation => Err(Denial::StaleGeneration),
        Presented::Token(token) if !token.is_live() => Err(Denial::Invalid { own: true }),
        Presented::Token(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests;
