//! What keeps the turns of a workspace from beginning.

use crate::lease::Lease;
use crate::liveness::effective;
use crate::slots::{Slots, busy};
use crate::time::Timestamp;
use crate::workspace::Workspace;

/// In words; none where a turn could begin now.
pub fn blocked(workspace: &Workspace, lease: Option<&Lease>, slots: &Slots, now: Timestamp) -> Option<String> {
    let status = effective(workspace, lease, now).status;
    if !status.is_dispatchable() {
        return Some(format!("the workspace is {status}"));
    }
    if busy(slots, lease.map(|lease| &lease.beat), now) < workspace.max_concurrent_tasks {
        return None;
    }
    let oldest = slots.slots.values().filter(|slot| slot.message.is_some()).min_by_key(|slot| slot.since);
    Some(match oldest.and_then(|slot| slot.message.map(|message| (message, slot.since))) {
        Some((message, since)) => {
            let minutes = now.since(since).as_secs() / 60;
            format!("the agent is busy with message {message} since {} ({minutes} min)", since.rfc3339())
        }
        None => match lease.and_then(|lease| lease.busy_since) {
            Some(since) => format!("the agent reports a turn of its own since {}", since.rfc3339()),
            None => "the agent reports that it is busy".to_owned(),
        },
    })
}
