//! What an agent is at, as workspace and schedules show it.

use crate::ladder::{Ladder, Turn, standing, turn};
use crate::lease::Lease;
use crate::liveness::effective;
use crate::slots::Slots;
use crate::time::Timestamp;
use crate::workspace::Workspace;

/// The running turn of an agent that is alive; of another one nothing is known.
#[derive(Debug, Clone, Copy, Default)]
pub struct Session<'a> {
    /// Since when its heartbeats say that it is busy.
    pub busy_since: Option<Timestamp>,
    /// The turn that has run for longest.
    pub turn: Option<Turn>,
    /// What was done to end it.
    pub ladder: Option<&'a Ladder>,
}

impl<'a> Session<'a> {
    /// Of a workspace at `now`.
    pub fn of(workspace: &Workspace, lease: Option<&Lease>, slots: &'a Slots, now: Timestamp) -> Self {
        let alive = effective(workspace, lease, now).status.is_live();
        let Some(lease) = lease.filter(|lease| alive && lease.is_live(now)) else { return Self::default() };
        Self { busy_since: lease.busy_since, turn: turn(slots, Some(lease)), ladder: standing(slots, Some(lease)) }
    }

    /// How long the turn has run, in whole seconds.
    pub fn age_seconds(&self, now: Timestamp) -> Option<u64> {
        self.turn.map(|turn| now.since(turn.since).as_secs())
    }
}
