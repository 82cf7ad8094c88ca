//! How a workspace's runtime is started.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rules::WorkspaceId;
use rules::engine::{MAX_TEXT, StartCause, StartFailure};
use rules::field::WorkspaceAccess;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};
use tracing::{debug, info};

use super::folder::{Folder, Record};
use super::known::{Known, Live};
use super::table::Table;
use super::{kill, stop};
use crate::provisioner::{Launch, Running, Started};

/// How long a runtime may take until it listens.
const READY_WITHIN: Duration = Duration::from_secs(10);
/// Distance between two looks for its word that it does.
const LOOK: Duration = Duration::from_millis(20);
/// The command of a turn where nobody named one: it answers with the message.
const ECHO: &str = "builtin:echo";
/// What a runtime, and so its commands, inherit. Nothing of the platform's own: that has secrets among its variables.
const INHERITED: [&str; 9] = ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "TZ", "TMPDIR"];

/// Starts a workspace, or finds that it runs. The workspace's gate is held.
pub(super) async fn start(known: &Arc<Known>, launch: &Launch) -> Result<Started, StartFailure> {
    let id = launch.workspace_id;
    if known.is_closed() {
        return Err(failure(StartCause::EngineUnreachable, "the platform is stopping"));
    }
    match known.running(id) {
        Some(record) if record.generation == launch.generation => return until_ready(known, id, &record).await,
        Some(record) if record.generation > launch.generation => {
            let text = format!("generation {} of this workspace runs, which is newer", record.generation);
            return Err(failure(StartCause::Refused, text));
        }
        // The caller stops what is older; if it could not, both would use one folder.
        Some(_) => {
            stop::end(known, id).await.map_err(|error| failure(StartCause::EngineUnreachable, error.to_string()))?;
        }
        None => {}
    }
    let folder = known.folder(id);
    let child = spawn(known, &folder, launch)?;
    let record = follow(known, &folder, launch, child)?;
    info!(workspace = %id, pid = record.pid, generation = record.generation, "started a runtime");
    until_ready(known, id, &record).await
}

fn spawn(known: &Known, folder: &Folder, launch: &Launch) -> Result<Child, StartFailure> {
    let on_disk = |error: io::Error| failure(StartCause::Refused, format!("its folder cannot be used: {error}"));
    let log = folder.prepare().map_err(on_disk)?;
    let work = match &launch.workspace_dir {
        Some(folder) if launch.workspace_access == WorkspaceAccess::ReadWrite => {
            if !std::path::Path::new(folder).is_dir() {
                let text = format!("workspace_dir {folder} is no directory of this machine");
                return Err(failure(StartCause::Refused, text));
            }
            folder.into()
        }
        _ => folder.work(),
    };
    let mut command = Command::new(&known.settings.runtime);
    command
        .args(&known.settings.arguments)
        .env_clear()
        .envs(INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
        .env("WORKSPACE_COMMAND", known.settings.command.as_deref().unwrap_or(ECHO))
        .env("WORKSPACE_TOKEN_FILE", folder.token())
        .env("WORKSPACE_PORT", "0")
        .envs(launch.environment(None))
        .current_dir(work)
        // Its own group: what the terminal sends to the platform's group is not meant for it.
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(log.try_clone().map_err(on_disk)?)
        .stderr(log);
    command.spawn().map_err(|error| {
        let program = known.settings.runtime.display();
        match error.kind() {
            io::ErrorKind::NotFound => {
                let advice = "build it with cargo build -p workspace-runtime";
                failure(StartCause::Refused, format!("{program} is not there; {advice}"))
            }
            io::ErrorKind::WouldBlock | io::ErrorKind::OutOfMemory => {
                failure(StartCause::NoCapacity, format!("no process can be started now: {error}"))
            }
            _ => failure(StartCause::Refused, format!("{program} cannot be started: {error}")),
        }
    })
}

/// Records the child before anything else is done, so that a next platform finds it, and waits for its end.
fn follow(known: &Arc<Known>, folder: &Folder, launch: &Launch, mut child: Child) -> Result<Record, StartFailure> {
    let found = child.id().and_then(|pid| Some((i32::try_from(pid).ok()?, Table::started(pid)?)));
    let Some((pid, started)) = found else {
        // An error means that it has ended.
        let _ = child.start_kill();
        return Err(failure(StartCause::EngineUnreachable, "the new process cannot be found among the system's"));
    };
    let generation = launch.generation;
    let record = Record { pid, started, generation, url: None, memory_mb: launch.limits.memory_mb, exit: None };
    if let Err(error) = folder.store(&record) {
        let _ = child.start_kill();
        return Err(failure(StartCause::Refused, format!("its record cannot be stored: {error}")));
    }
    let id = launch.workspace_id;
    known.insert(id, record.clone(), Some(Live::new(&record, false)));
    let known = Arc::downgrade(known);
    tokio::spawn(async move {
        let status = child.wait().await;
        let Some(known) = known.upgrade() else { return };
        bury(&known, id, pid, status.ok()).await;
    });
    Ok(record)
}

/// Ends what a runtime left running and notes its end.
pub(super) async fn bury(known: &Known, id: WorkspaceId, pid: i32, status: Option<ExitStatus>) {
    let left = known.with_live(id, |live| live.members.clone()).unwrap_or_default();
    if let Err(error) = kill::tree(left).await {
        debug!(workspace = %id, %error, "what a runtime left running may still run");
    }
    let code = status.and_then(|status| status.code().or_else(|| status.signal().map(|signal| 128 + signal)));
    let message = if code.is_none() { "an earlier platform started it, so its exit code is not known" } else { "" };
    known.finish(id, pid, code, message);
}

/// Waits for the word that it listens, in its log.
async fn until_ready(known: &Known, id: WorkspaceId, record: &Record) -> Result<Started, StartFailure> {
    let started = |url| Ok(Started { instance: record.pid.to_string(), url: Some(url) });
    if let Some(url) = &record.url {
        return started(url.clone());
    }
    let folder = known.folder(id);
    let bound = Instant::now() + READY_WITHIN;
    loop {
        // Looked at before its log: what it said before its end counts.
        let state = known.state(id, record.generation);
        if let Ok(Some(url)) = folder.ready_url() {
            known.ready(id, record.generation, &url);
            return started(url);
        }
        if let Running::No(exit) = state {
            let code = exit.code.map_or_else(|| "an unknown code".to_owned(), |code| format!("code {code}"));
            let text = format!("it exited with {code} before it was ready; last log lines: {}", exit.log_tail);
            return Err(failure(StartCause::Refused, text));
        }
        if Instant::now() >= bound {
            let tail = folder.tail(5).unwrap_or_default();
            if let Err(error) = stop::end(known, id).await {
                debug!(workspace = %id, %error, "a runtime that did not get ready may still run");
            }
            let seconds = READY_WITHIN.as_secs();
            let text =
                format!("it was not ready within {seconds} s; is this machine overloaded? last log lines: {tail}");
            return Err(failure(StartCause::NoCapacity, text));
        }
        sleep(LOOK).await;
    }
}

fn failure(cause: StartCause, evidence: impl AsRef<str>) -> StartFailure {
    StartFailure { cause, evidence: rules::field::capped(evidence.as_ref(), MAX_TEXT) }
}
