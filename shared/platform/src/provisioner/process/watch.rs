//! The watcher: some four times a second, less often on a crowded machine, one look at all processes, for the memory of each workspace, for the end of those that
//! are no children of ours, and for logs that grow.
//!
//! A workspace over its limit is killed as a whole, runtime and commands, as a container dies whose first process the
//! kernel picks: half a workspace would answer nobody, and which command took the memory is in the log.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use rules::WorkspaceId;
use tokio::time::sleep;
use tracing::{debug, warn};

use super::known::Known;
use super::table::{Members, Table};
use super::{kill, start};

/// Pause between two looks, while they are cheap.
const PAUSE: Duration = Duration::from_millis(250);
/// A look that takes long is paid for by a pause of so many times its length: watching takes a twentieth of one CPU at most.
const SHARE: u32 = 20;
/// But no pause is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
const MIB: u64 = 1024 * 1024;

/// Watches for as long as the engine is there.
pub(super) async fn watch(known: Weak<Known>) {
    let mut pause = PAUSE;
    loop {
        sleep(pause).await;
        let Some(known) = known.upgrade() else { return };
        let begun = Instant::now();
        look(&known).await;
        pause = (begun.elapsed() * SHARE).clamp(PAUSE, LONGEST_PAUSE);
    }
}

async fn look(known: &Arc<Known>) {
    let mut running: Vec<WorkspaceId> = Vec::new();
    known.each_live(|id, _, _| running.push(id));
    if running.is_empty() {
        return;
    }
    let table = match Table::look().await {
        Ok(table) => table,
        Err(error) => return warn!(%error, "the memory of the workspaces is not watched now"),
    };
    let mut over: Vec<Members> = Vec::new();
    let mut gone: Vec<(WorkspaceId, i32)> = Vec::new();
    known.each_live(|id, record, live| {
        // One that was started after the look is not in it.
        let runs = table.runs(record.pid, record.started);
        if live.adopted && !runs {
            gone.push((id, record.pid));
        }
        if !runs {
            return;
        }
        live.members = table.tree(&live.members);
        let used = table.memory(&live.members);
        if record.memory_mb > 0 && used > u64::from(record.memory_mb) * MIB && live.over.is_none() {
            warn!(workspace = %id, used_mb = used / MIB, limit_mb = record.memory_mb, "out of memory; it is killed");
            live.over = Some(used.div_ceil(MIB));
            over.push(live.members.clone());
        }
    });
    for members in over {
        if let Err(error) = kill::tree(members).await {
            warn!(%error, "a workspace over its memory limit may still run");
        }
    }
    for (id, pid) in gone {
        start::bury(known, id, pid, None).await;
    }
    for id in running {
        if let Err(error) = known.folder(id).trim_log() {
            debug!(workspace = %id, %error, "a log could not be cut");
        }
    }
}
