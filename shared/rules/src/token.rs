//! Issuing and revoking: who may change the tokens of a workspace, and what each change does to its record.

use std::time::Duration;

use crate::credential::{BootCredential, MAX_LIVE_TOKENS, Token, TokenKind};
use crate::status::Status;
use crate::time::Timestamp;
use crate::workspace::Workspace;

/// Live tokens that one organisation may have.
pub const MAX_ORG_TOKENS: usize = 500;
/// How long an operator's one-time credential can be exchanged.
pub const RESET_LIFETIME: Duration = Duration::from_secs(15 * 60);

/// Why the tokens stay as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefusal {
    /// A deleted workspace has none and gets none.
    #[error("the workspace was deleted")]
    Removed,
    /// The caller is a zombie of an earlier start.
    #[error("the token belongs to an older generation of the workspace; stop this agent")]
    StaleGeneration,
    /// There are as many as there may be.
    #[error("{limit} tokens are live, which is the limit; revoke one and try again")]
    Full {
        /// How many there may be.
        limit: usize,
    },
}

/// Whether whoever showed `by` may change the tokens of `workspace`; an operator may have shown none, or its own. A
/// container that was replaced must not leave itself a token that outlives it, nor take its successor's.
///
/// # Errors
/// [`TokenRefusal::Removed`] or [`TokenRefusal::StaleGeneration`].
pub fn may_change(workspace: &Workspace, by: Option<&Token>) -> Result<(), TokenRefusal> {
    let stale = by.is_some_and(|token| {
        token.kind == TokenKind::Instance && token.belongs_to(workspace.id) && token.generation < workspace.generation
    });
    if workspace.status == Status::Removed {
        Err(TokenRefusal::Removed)
    } else if stale {
        Err(TokenRefusal::StaleGeneration)
    } else {
        Ok(())
    }
}

/// Whether `workspace`, which has `live` tokens of all kinds, may get another.
///
/// # Errors
/// As [`may_change`], or [`TokenRefusal::Full`].
pub fn may_issue(workspace: &Workspace, by: Option<&Token>, live: usize) -> Result<(), TokenRefusal> {
    may_change(workspace, by)?;
    has_room(live, MAX_LIVE_TOKENS)
}

/// Whether an organisation with `live` tokens may get another.
///
/// # Errors
/// [`TokenRefusal::Full`].
pub fn may_issue_for_org(live: usize) -> Result<(), TokenRefusal> {
    has_room(live, MAX_ORG_TOKENS)
}

fn has_room(live: usize, limit: usize) -> Result<(), TokenRefusal> {
    if live < limit { Ok(()) } else { Err(TokenRefusal::Full { limit }) }
}

/// The record after a change of its credentials. The version rises, so that whoever decided from the tokens as they were
/// decides again; and the open bootstrap is over for good, also when the last token goes.
pub fn changed(workspace: &Workspace, now: Timestamp) -> Workspace {
    Workspace { version: workspace.version + 1, updated_at: now, bootstrap_open: false, ..workspace.clone() }
}

/// An operator's credential for one register of the current generation.
pub fn one_time_credential(workspace: &Workspace, digest: String, now: Timestamp) -> BootCredential {
    BootCredential {
        workspace_id: workspace.id,
        generation: workspace.generation,
        digest,
        once: true,
        ends_at: Some(now + RESET_LIFETIME),
        exchanged_for: None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::credential::{Grant, Presented, may_register};

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn workspace(status: &str) -> Workspace {
        serde_json::from_value(json!({
            "id": Uuid::from_u128(1), "org": "home", "version": 7, "name": "w", "tier": 2, "status": status,
            "status_since": 0, "runtime": "external", "delivery": { "mode": "push", "explicit": false },
            "max_concurrent_tasks": 1, "generation": 3, "bootstrap_open": true, "inbound_secret": "s",
            "created_at": 0, "updated_at": 0,
        }))
        .unwrap()
    }

    fn token(kind: &str, workspace: Option<u128>, generation: u64) -> Token {
        serde_json::from_value(json!({
            "id": Uuid::from_u128(9), "kind": kind, "workspace_id": workspace.map(Uuid::from_u128), "org": "home",
            "generation": generation, "digest": "d", "prefix": "p", "created_at": 0,
        }))
        .unwrap()
    }

    #[test]
    fn who_may_change_the_tokens_of_a_workspace() {
        use TokenRefusal::{Removed, StaleGeneration};

        let (current, zombie) = (token("instance", Some(1), 3), token("instance", Some(1), 2));
        let (api, org) = (token("api", Some(1), 0), token("org", None, 0));
        for (status, by, expected) in [
            ("online", None, Ok(())),
            ("online", Some(&org), Ok(())),
            ("online", Some(&current), Ok(())),
            ("paused", Some(&current), Ok(())),
            ("online", Some(&api), Ok(())),
            ("online", Some(&zombie), Err(StaleGeneration)),
            ("removed", None, Err(Removed)),
            ("removed", Some(&current), Err(Removed)),
            ("removed", Some(&zombie), Err(Removed)),
        ] {
            assert_eq!(may_change(&workspace(status), by), expected, "{status}, {by:?}");
            assert_eq!(may_issue(&workspace(status), by, 0), expected, "{status}, {by:?}");
        }
    }

    #[test]
    fn the_limits_are_50_and_500() {
        let workspace = workspace("online");
        for (live, refused) in [(0, false), (49, false), (50, true), (51, true)] {
            assert_eq!(may_issue(&workspace, None, live).is_err(), refused, "{live}");
        }
        for (live, refused) in [(0, false), (499, false), (500, true)] {
            assert_eq!(may_issue_for_org(live).is_err(), refused, "{live}");
        }
    }

    #[test]
    fn any_change_closes_the_bootstrap_and_raises_the_version() {
        let before = workspace("online");
        let after = changed(&before, NOW);
        assert_eq!((after.version, after.updated_at, after.bootstrap_open), (8, NOW, false));
        assert!(!changed(&after, NOW).bootstrap_open);
    }

    #[test]
    fn a_one_time_credential_resets_for_15_minutes() {
        let workspace = workspace("online");
        let boot = one_time_credential(&workspace, "d".into(), NOW);
        let end = NOW + RESET_LIFETIME;
        let just_before = end - Duration::from_millis(1);
        assert_eq!(may_register(&workspace, Presented::Boot(&boot), just_before), Ok(Grant::Reset));
        assert!(may_register(&workspace, Presented::Boot(&boot), end).is_err());
    }
}
