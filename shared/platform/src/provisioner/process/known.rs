//! What this platform knows of the workspaces' runtimes, its own children and those that it adopted.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rules::WorkspaceId;
use rules::engine::Exit;
use tokio::sync::{broadcast, watch};
use tracing::{info, warn};

use super::folder::{Folder, Record};
use super::table::Members;
use super::{ProcessEnd, ProcessSettings};
use crate::provisioner::Running;

/// Deaths that a subscriber may be behind.
const DEATHS: usize = 1024;
/// How many of the last lines of the log are kept of a runtime that ended.
const LAST_LINES: usize = 20;

/// Shared by the engine, its watcher and the tasks that wait for children.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) settings: ProcessSettings,
    pub(super) folder: PathBuf,
    /// Nothing is started any more.
    pub(super) closed: AtomicBool,
    pub(super) deaths: broadcast::Sender<ProcessEnd>,
    entries: Mutex<HashMap<WorkspaceId, Entry>>,
    gates: Mutex<HashMap<WorkspaceId, Arc<tokio::sync::Mutex<()>>>>,
}

#[derive(Debug)]
struct Entry {
    record: Record,
    live: Option<Live>,
}

/// A runtime that runs.
#[derive(Debug)]
pub(super) struct Live {
    /// It and what it started, as they were seen last: what loses its parent is found by this only.
    pub(super) members: Members,
    /// It was started by an earlier platform: it is no child of ours.
    pub(super) adopted: bool,
    /// It was found over its memory limit, in MiB, and killed for it.
    pub(super) over: Option<u64>,
    /// We are ending it: its death is no news.
    pub(super) ending: bool,
    /// Turns true at its end.
    pub(super) ended: watch::Sender<bool>,
}

impl Live {
    pub(super) fn new(record: &Record, adopted: bool) -> Self {
        Self {
            members: Members::from([(record.pid, record.started)]),
            adopted,
            over: None,
            ending: false,
            ended: watch::Sender::new(false),
        }
    }
}

impl Known {
    pub(super) fn new(settings: ProcessSettings, folder: PathBuf) -> Self {
        Self {
            settings,
            folder,
            closed: AtomicBool::new(false),
            deaths: broadcast::Sender::new(DEATHS),
            entries: Mutex::default(),
            gates: Mutex::default(),
        }
    }

    pub(super) fn folder(&self, id: WorkspaceId) -> Folder {
        Folder::of(&self.folder, id)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Starts and stops of one workspace come one after the other.
    pub(super) fn gate(&self, id: WorkspaceId) -> Arc<tokio::sync::Mutex<()>> {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(gates.entry(id).or_default())
    }

    pub(super) fn insert(&self, id: WorkspaceId, record: Record, live: Option<Live>) {
        self.lock().insert(id, Entry { record, live });
    }

    pub(super) fn forget(&self, id: WorkspaceId) {
        self.lock().remove(&id);
    }

    /// The record of what runs of a workspace.
    pub(super) fn running(&self, id: WorkspaceId) -> Option<Record> {
        self.lock().get(&id).filter(|entry| entry.live.is_some()).map(|entry| entry.record.clone())
    }

    /// All records, with what is to be said of each.
    pub(super) fn all(&self) -> Vec<(WorkspaceId, Record, Running)> {
        self.lock().iter().map(|(id, entry)| (*id, entry.record.clone(), entry.running())).collect()
    }

    /// Does something with each runtime that runs.
    pub(super) fn each_live(&self, mut work: impl FnMut(WorkspaceId, &Record, &mut Live)) {
        for (id, entry) in self.lock().iter_mut() {
            if let Some(live) = &mut entry.live {
                work(*id, &entry.record, live);
            }
        }
    }

    /// Does something with the runtime that runs of a workspace.
    pub(super) fn with_live<T>(&self, id: WorkspaceId, work: impl FnOnce(&mut Live) -> T) -> Option<T> {
        self.lock().get_mut(&id).and_then(|entry| entry.live.as_mut()).map(work)
    }

    /// Notes where a runtime listens, on the disk too.
    pub(super) fn ready(&self, id: WorkspaceId, generation: u64, url: &str) {
        let record = {
            let mut entries = self.lock();
            let Some(entry) = entries.get_mut(&id).filter(|entry| entry.record.generation == generation) else {
                return;
            };
            entry.record.url = Some(url.to_owned());
            entry.record.clone()
        };
        self.store(id, &record);
    }

    /// Notes the end of the runtime with this process, and tells of it unless it was wanted.
    pub(super) fn finish(&self, id: WorkspaceId, pid: i32, code: Option<i32>, message: &str) {
        let log_tail = self.folder(id).tail(LAST_LINES).unwrap_or_default();
        let (record, live) = {
            let mut entries = self.lock();
            let Some(entry) = entries.get_mut(&id).filter(|entry| entry.record.pid == pid) else { return };
            let Some(live) = entry.live.take() else { return };
            let message = match live.over {
                Some(used) => {
                    format!("its processes held {used} MiB together, of {} MiB allowed", entry.record.memory_mb)
                }
                None if live.ending => "the platform stopped it".to_owned(),
                None => message.to_owned(),
            };
            let out_of_memory = live.over.is_some();
            let stopped = live.ending && !out_of_memory;
            entry.record.exit = Some(Exit { code, stopped, out_of_memory, message, log_tail });
            (entry.record.clone(), live)
        };
        self.store(id, &record);
        let exit = record.exit.unwrap_or_default();
        info!(workspace = %id, pid, code = exit.code, out_of_memory = exit.out_of_memory, "a runtime ended");
        if !live.ending {
            // An error says that nobody listens.
            let _ = self.deaths.send(ProcessEnd { workspace_id: id, generation: record.generation, exit });
        }
        live.ended.send_replace(true);
    }

    /// What is to be said of a generation.
    pub(super) fn state(&self, id: WorkspaceId, generation: u64) -> Running {
        let entries = self.lock();
        match entries.get(&id).filter(|entry| entry.record.generation == generation) {
            Some(entry) => entry.running(),
            None => Running::No(Exit::default()),
        }
    }

    fn store(&self, id: WorkspaceId, record: &Record) {
        if let Err(error) = self.folder(id).store(record) {
            warn!(workspace = %id, %error, "the record of a runtime cannot be stored; a next platform would not know it");
        }
    }

    /// Each critical section leaves the entries consistent, so a poisoned lock is as good as any.
    fn lock(&self) -> MutexGuard<'_, HashMap<WorkspaceId, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn running(&self) -> Running {
        match &self.live {
            Some(_) => Running::Yes { url: self.record.url.clone() },
            None => Running::No(self.record.exit.clone().unwrap_or_default()),
        }
    }
}
