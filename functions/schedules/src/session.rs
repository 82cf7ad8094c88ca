//! What runs in the workspace of a schedule: it may be what keeps the schedule's turns from beginning.

use rules::Timestamp;
use rules::ladder::{Rung, standing, turn};
use rules::lease::Lease;
use rules::liveness::effective;
use rules::schedule::blocked;
use rules::slots::Slots;
use rules::workspace::Workspace;
use serde_json::{Value, json};

/// The running turn, and what blocks.
#[derive(Debug, Default)]
pub(crate) struct Session {
    /// What keeps a turn from beginning now, in words.
    pub blocked: Option<String>,
    busy_since: Option<Timestamp>,
    turn_since: Option<Timestamp>,
    rung: Option<Rung>,
}

impl Session {
    /// Of a workspace at `now`.
    pub(crate) fn of(workspace: &Workspace, lease: Option<&Lease>, slots: &Slots, now: Timestamp) -> Self {
        let alive = effective(workspace, lease, now).status.is_live();
        let live = lease.filter(|lease| alive && lease.is_live(now));
        Self {
            blocked: blocked(workspace, lease, slots, now),
            busy_since: live.and_then(|lease| lease.busy_since),
            turn_since: live.and_then(|lease| turn(slots, Some(lease))).map(|turn| turn.since),
            rung: live.and_then(|lease| standing(slots, Some(lease))).map(|ladder| ladder.rung),
        }
    }

    /// Adds `busy_since`, `session_age_seconds` and `turn_rung`, as the workspace shows them.
    pub(crate) fn show(&self, shown: &mut Value, now: Timestamp) {
        shown["busy_since"] = json!(self.busy_since.map(Timestamp::rfc3339));
        shown["session_age_seconds"] = json!(self.turn_since.map(|since| now.since(since).as_secs()));
        shown["turn_rung"] = json!(self.rung);
    }
}
