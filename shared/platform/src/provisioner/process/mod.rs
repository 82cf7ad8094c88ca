//! The engine of the local run: each workspace is a child process, `workspace-runtime`, in a process group of its own.
//!
//! What it writes goes into a file and not into a pipe: a child never waits for a reader, and one that outlives its
//! platform (`kill -9`) writes on. Its record lies beside that, so the next platform on the same folder adopts it: it can
//! say whether it runs, show its log and stop it. Of an adopted one only the exit code is not known, as it is no child of ours.
//!
//! There is no isolation: a workspace runs as the platform's user, and its memory is watched (see `watch`), not fenced. CPU
//! shares have no effect. A command that was started in the last quarter second before its runtime was killed from outside
//! may outlive it, as may one that made itself a daemon before it was ever seen.

mod folder;
mod kill;
mod known;
mod start;
mod stop;
mod table;
mod watch;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::future::{BoxFuture, join_all};
use rules::WorkspaceId;
use rules::engine::{Exit, StartFailure};
use tokio::sync::broadcast;
use tracing::{info, warn};

use self::folder::Folder;
use self::known::{Known, Live};
use self::table::Table;
use super::{EngineError, Instance, Launch, Provisioner, Running, Started, Stop};

/// What the engine is told.
#[derive(Debug, Clone)]
pub struct ProcessSettings {
    /// The program that is a workspace's runtime.
    pub runtime: PathBuf,
    /// Its arguments: none of `workspace-runtime`, or what makes another program be that.
    pub arguments: Vec<String>,
    /// Where each workspace gets a folder of its own; made if it is not there. One platform at a time uses it.
    pub folder: PathBuf,
    /// The command of a turn where the workspace names none; none is `builtin:echo`.
    pub command: Option<String>,
}

/// A runtime that ended without having been asked to by this engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessEnd {
    /// Whose it was.
    pub workspace_id: WorkspaceId,
    /// Which start.
    pub generation: u64,
    /// How it ended.
    pub exit: Exit,
}

/// Runs workspaces as children of this process. Dropping it ends none of them; [`ProcessEngine::shutdown`] does.
#[derive(Debug, Clone)]
pub struct ProcessEngine(Arc<Known>);

impl ProcessEngine {
    /// The engine on a folder; what an earlier one left running there is adopted. Needs a Tokio runtime around it, in which
    /// it watches until it is dropped.
    ///
    /// # Errors
    /// The folder cannot be made or read, or the system's processes cannot be seen.
    pub fn open(settings: ProcessSettings) -> io::Result<Self> {
        folder::private(&settings.folder)?;
        // The children's directory is another one, so no path may depend on ours.
        let folder = settings.folder.canonicalize()?;
        let runtime = std::path::absolute(&settings.runtime)?;
        let known = Arc::new(Known::new(ProcessSettings { runtime, ..settings }, folder));
        adopt(&known)?;
        tokio::spawn(watch::watch(Arc::downgrade(&known)));
        Ok(Self(known))
    }

    /// Hears of each runtime that ends without having been stopped, soon after it did: a child's at once, an adopted
    /// one's at the watcher's next look. A receiver that is far behind misses some; `is_running` tells of all.
    pub fn subscribe(&self) -> broadcast::Receiver<ProcessEnd> {
        self.0.deaths.subscribe()
    }

    /// Ends all that runs, and starts nothing any more. What is stored stays. Takes at most about 3 s, unless a start
    /// is in progress.
    pub async fn shutdown(&self) {
        self.0.closed.store(true, Ordering::SeqCst);
        let ids = self.0.all().into_iter().map(|(id, _, _)| id);
        for stopped in join_all(ids.map(|id| self.stop(id, Stop::All))).await {
            if let Err(error) = stopped {
                warn!(%error, "a workspace could not be stopped");
            }
        }
    }
}

/// Reads the records of an earlier platform.
fn adopt(known: &Known) -> io::Result<()> {
    let table = Table::read(sysinfo::ProcessesToUpdate::All).map_err(io::Error::other)?;
    for entry in std::fs::read_dir(&known.folder)? {
        let name = entry?.file_name();
        let Some(id) = name.to_str().and_then(|name| name.parse::<WorkspaceId>().ok()) else { continue };
        let folder = Folder::of(&known.folder, id);
        let mut record = match folder.record() {
            Ok(Some(record)) => record,
            Ok(None) => continue,
            Err(error) => {
                warn!(workspace = %id, %error, "the record of its runtime cannot be read and is not used");
                continue;
            }
        };
        let runs = record.exit.is_none() && table.runs(record.pid, record.started);
        if runs {
            info!(workspace = %id, pid = record.pid, generation = record.generation, "adopted a runtime");
            // The earlier platform may have ended before it read this.
            record.url = record.url.or_else(|| folder.ready_url().ok().flatten());
        }
        let live = runs.then(|| Live::new(&record, true));
        if !runs && record.exit.is_none() {
            let log_tail = folder.tail(20).unwrap_or_default();
            let message = "it ended while no platform was running".to_owned();
            record.exit = Some(Exit { message, log_tail, ..Exit::default() });
        }
        known.insert(id, record, live);
    }
    Ok(())
}

impl Provisioner for ProcessEngine {
    fn start<'a>(&'a self, launch: &'a Launch) -> BoxFuture<'a, Result<Started, StartFailure>> {
        Box::pin(async move {
            let gate = self.0.gate(launch.workspace_id);
            let _held = gate.lock().await;
            start::start(&self.0, launch).await
        })
    }

    fn stop<'a>(&'a self, id: WorkspaceId, what: Stop) -> BoxFuture<'a, Result<(), EngineError>> {
        Box::pin(async move {
            let gate = self.0.gate(id);
            let _held = gate.lock().await;
            stop::stop(&self.0, id, what).await
        })
    }

    fn is_running<'a>(&'a self, id: WorkspaceId, generation: u64) -> BoxFuture<'a, Result<Running, EngineError>> {
        Box::pin(async move { Ok(self.0.state(id, generation)) })
    }

    fn logs<'a>(&'a self, id: WorkspaceId, tail: usize) -> BoxFuture<'a, Result<String, EngineError>> {
        let folder = self.0.folder(id);
        Box::pin(async move {
            let read = tokio::task::spawn_blocking(move || folder.tail(tail)).await;
            let read = read.map_err(|error| EngineError::Unreachable(error.to_string()))?;
            read.map_err(|error| EngineError::Unreachable(format!("its log cannot be read: {error}")))
        })
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<Instance>, EngineError>> {
        let instance = |(workspace_id, record, running): (WorkspaceId, folder::Record, Running)| Instance {
            instance: record.pid.to_string(),
            workspace_id,
            generation: record.generation,
            running,
        };
        Box::pin(async move { Ok(self.0.all().into_iter().map(instance).collect()) })
    }
}

/// Where the program is that stands beside this one: in a build's folder they lie together.
pub fn runtime_beside(program: &Path) -> PathBuf {
    program.with_file_name("workspace-runtime")
}
