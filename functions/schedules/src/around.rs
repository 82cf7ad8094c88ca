//! What goes on in the workspace of a schedule: it may be what keeps the schedule's turns from beginning.

use rules::Timestamp;
use rules::lease::Lease;
use rules::schedule::blocked;
use rules::session::Session;
use rules::slots::Slots;
use rules::workspace::Workspace;

/// The running turn, and what blocks.
#[derive(Debug)]
pub(crate) struct Around<'a> {
    /// What keeps a turn from beginning now, in words.
    pub blocked: Option<String>,
    /// What the agent is at.
    pub session: Session<'a>,
}

impl<'a> Around<'a> {
    /// Of a workspace at `now`.
    pub(crate) fn of(workspace: &Workspace, lease: Option<&Lease>, slots: &'a Slots, now: Timestamp) -> Self {
        Self { blocked: blocked(workspace, lease, slots, now), session: Session::of(workspace, lease, slots, now) }
    }
}
