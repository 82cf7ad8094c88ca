//! The machine's table of processes: who descends from whom, since when each runs, and how much memory it holds.

use std::collections::{BTreeMap, HashMap};

use sysinfo::{Pid, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System};

use crate::provisioner::EngineError;

/// Processes by id, each with its start in seconds since 1970. An id alone is reused; with its start it is not.
pub(super) type Members = BTreeMap<i32, u64>;

/// The start is the kernel's tick count plus the time of boot, which is told in whole seconds and may be off by one.
const SLACK_SECONDS: u64 = 1;

/// One look at all processes. It costs about 10 µs for each that the machine runs.
#[derive(Debug, Default)]
pub(super) struct Table(HashMap<i32, Seen>);

#[derive(Debug, Clone, Copy)]
struct Seen {
    parent: Option<i32>,
    started: u64,
    /// Resident, in bytes.
    memory: u64,
    ended: bool,
}

impl Table {
    /// Looks now, without holding up other tasks.
    pub(super) async fn look() -> Result<Self, EngineError> {
        let looked = tokio::task::spawn_blocking(|| Self::read(ProcessesToUpdate::All)).await;
        looked.map_err(|error| EngineError::Unreachable(error.to_string()))?
    }

    /// As [`Table::look`], where waiting is no harm.
    pub(super) fn read(which: ProcessesToUpdate<'_>) -> Result<Self, EngineError> {
        let mut system = System::new()
            .map_err(|error| EngineError::Unreachable(format!("the system's processes cannot be read: {error}")))?;
        let what = ProcessRefreshKind::nothing().with_memory().without_tasks();
        system.refresh_processes_specifics(which, true, what);
        let seen = system.processes().iter().filter_map(|(pid, process)| {
            let ended = matches!(process.status(), ProcessStatus::Zombie | ProcessStatus::Dead);
            let parent = process.parent().and_then(number);
            let seen = Seen { parent, started: process.start_time(), memory: process.memory(), ended };
            Some((number(*pid)?, seen))
        });
        Ok(Self(seen.collect()))
    }

    /// When a process started, also if it has ended and nobody has asked for its exit code yet.
    pub(super) fn started(pid: u32) -> Option<u64> {
        let table = Self::read(ProcessesToUpdate::Some(&[Pid::from_u32(pid)])).ok()?;
        table.0.get(&i32::try_from(pid).ok()?).map(|seen| seen.started)
    }

    /// This very process runs, and not another one under its id.
    pub(super) fn runs(&self, pid: i32, started: u64) -> bool {
        self.0.get(&pid).is_some_and(|seen| !seen.ended && seen.started.abs_diff(started) <= SLACK_SECONDS)
    }

    /// Those of `known` that run, and all that descend from them.
    pub(super) fn tree(&self, known: &Members) -> Members {
        let running = known.iter().filter(|(pid, started)| self.runs(**pid, **started));
        let mut found: Members = running.map(|(pid, started)| (*pid, *started)).collect();
        let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
        for (pid, seen) in self.0.iter().filter(|(_, seen)| !seen.ended) {
            if let Some(parent) = seen.parent {
                children.entry(parent).or_default().push(*pid);
            }
        }
        let mut left: Vec<i32> = found.keys().copied().collect();
        while let Some(parent) = left.pop() {
            for child in children.remove(&parent).unwrap_or_default() {
                if let Some(seen) = self.0.get(&child)
                    && found.insert(child, seen.started).is_none()
                {
                    left.push(child);
                }
            }
        }
        found
    }

    /// The resident memory of these, in bytes. A page that several share counts for each.
    pub(super) fn memory(&self, members: &Members) -> u64 {
        members.keys().filter_map(|pid| self.0.get(pid)).map(|seen| seen.memory).sum()
    }
}

fn number(pid: Pid) -> Option<i32> {
    i32::try_from(pid.as_u32()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(processes: &[(i32, i32, u64, bool)]) -> Table {
        let seen = |(pid, parent, started, ended): &(i32, i32, u64, bool)| {
            (*pid, Seen { parent: Some(*parent), started: *started, memory: 10, ended: *ended })
        };
        Table(processes.iter().map(seen).collect())
    }

    #[test]
    fn a_tree_is_who_runs_and_who_descends_from_it() {
        // 2 was started by 1, 3 by 2; 4 lost its parent and is remembered; 5 is somebody else's.
        let table = table(&[
            (1, 0, 100, false),
            (2, 1, 110, false),
            (3, 2, 120, false),
            (4, 0, 130, false),
            (5, 0, 140, false),
        ]);
        let tree = table.tree(&Members::from([(1, 100), (4, 130)]));
        assert_eq!(tree.keys().copied().collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert_eq!(table.memory(&tree), 40);
    }

    #[test]
    fn an_id_that_was_reused_is_another_process() {
        let table = table(&[(1, 0, 100, false), (2, 1, 110, false), (3, 0, 120, true)]);
        assert!(table.runs(1, 101) && !table.runs(1, 90) && !table.runs(1, 110));
        assert!(!table.runs(3, 120), "it has ended");
        assert!(table.tree(&Members::from([(1, 90), (3, 120)])).is_empty());
    }
}
