//! Whether a workspace has idled for as long as it may: measured on what it did, not on its heartbeats.

use std::time::Duration;

use crate::credential::Token;
use crate::lease::Lease;
use crate::slots::Slots;
use crate::time::Timestamp;
use crate::workspace::Workspace;

/// When a workspace was last active: a task that it reported, a message that ended or was handed to it, a call of its own to
/// the API, or its start.
pub fn last_activity(workspace: &Workspace, lease: &Lease, slots: &Slots, tokens: &[Token]) -> Timestamp {
    let own_calls = tokens.iter().filter_map(|token| token.last_used_at);
    [lease.active_at, workspace.start.at, slots.ended.last().copied(), slots.last_contact.as_ref().map(|last| last.at)]
        .into_iter()
        .flatten()
        .chain(own_calls)
        .max()
        .unwrap_or(workspace.created_at)
}

/// Whether it is to be hibernated now: set to be, nothing open, nothing running, and no activity for long enough.
pub fn is_idle(workspace: &Workspace, lease: &Lease, slots: &Slots, tokens: &[Token], now: Timestamp) -> bool {
    let Some(minutes) = workspace.hibernation_idle_minutes.filter(|minutes| *minutes > 0) else { return false };
    let quiet = lease.beat.active_tasks == 0 && slots.open <= 0 && slots.slots.is_empty();
    let since = last_activity(workspace, lease, slots, tokens);
    quiet && now.since(since) >= Duration::from_secs(u64::from(minutes) * 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{NOW, ago, lease, workspace};
    use crate::slots::Contact;
    use crate::status::Status;

    #[test]
    fn idleness_is_measured_on_what_it_did() {
        let record = Workspace { hibernation_idle_minutes: Some(1), ..workspace(Status::Online) };
        let lease = Lease { active_at: Some(ago(61)), ..lease(&record) };
        let quiet = Slots::default();
        let idle = |record: &Workspace, lease: &Lease, slots: &Slots| is_idle(record, lease, slots, &[], NOW);
        assert!(idle(&record, &lease, &quiet), "fresh heartbeats do not keep it awake");
        let busy = Lease { active_at: Some(ago(59)), ..lease.clone() };
        assert!(!idle(&record, &busy, &quiet));
        let mut working = lease.clone();
        working.beat.active_tasks = 1;
        assert!(!idle(&record, &working, &quiet));
        assert!(!idle(&record, &lease, &Slots { open: 1, ..Slots::default() }), "a message is open");
        assert!(!idle(&record, &lease, &Slots { ended: vec![ago(30)], ..Slots::default() }), "one has just ended");
        let contact = Contact { at: ago(10), reached: true, evidence: String::new() };
        assert!(!idle(&record, &lease, &Slots { last_contact: Some(contact), ..Slots::default() }));
        for never in [None, Some(0)] {
            assert!(!idle(&Workspace { hibernation_idle_minutes: never, ..record.clone() }, &lease, &quiet));
        }
        let mut fresh = record;
        fresh.start.at = Some(ago(5));
        assert!(!idle(&fresh, &lease, &quiet), "it has just been started");
    }
}
