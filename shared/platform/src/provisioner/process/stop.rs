//! How a workspace's runtime is ended: asked, and after a grace killed with all that it started.

use std::time::Duration;

use nix::sys::signal::Signal;
use rules::WorkspaceId;
use tokio::sync::watch;
use tokio::time::timeout;
use tracing::info;

use super::kill;
use super::known::Known;
use super::table::{Members, Table};
use crate::provisioner::{EngineError, Stop};

/// Between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(3);
/// How long the end of a killed process may take to be seen.
const DEATH: Duration = Duration::from_secs(10);

/// Stops what is meant, and deletes what is meant. The workspace's gate is held.
pub(super) async fn stop(known: &Known, id: WorkspaceId, what: Stop) -> Result<(), EngineError> {
    match (what, known.running(id)) {
        (Stop::OlderThan(generation), Some(record)) if record.generation >= generation => {}
        _ => end(known, id).await?,
    }
    let folder = known.folder(id);
    let deleted = match what {
        Stop::OlderThan(_) | Stop::All => return Ok(()),
        Stop::AndRemove => tokio::task::spawn_blocking(move || folder.delete()).await,
        Stop::AndReset => tokio::task::spawn_blocking(move || folder.reset()).await,
    };
    known.forget(id);
    let deleted = deleted.map_err(|error| EngineError::Unreachable(error.to_string()))?;
    deleted.map_err(|error| EngineError::Refused(format!("its folder cannot be deleted: {error}")))
}

/// Ends what runs of a workspace.
pub(super) async fn end(known: &Known, id: WorkspaceId) -> Result<(), EngineError> {
    let Some(record) = known.running(id) else { return Ok(()) };
    let marked = known.with_live(id, |live| {
        live.ending = true;
        (live.members.clone(), live.ended.subscribe())
    });
    let Some((members, mut ended)) = marked else { return Ok(()) };
    // Before it ends, so that what it started is known although it loses its parent.
    let table = Table::look().await?;
    let mut all = table.tree(&members);
    remember(known, id, &all);
    if table.runs(record.pid, record.started) {
        kill::signal(record.pid, Signal::SIGTERM)?;
    }
    if over(&mut ended, GRACE).await {
        // What its commands left running has no parent now.
        return kill::tree(all).await;
    }
    info!(workspace = %id, pid = record.pid, "a runtime did not end in time and is killed with all that it started");
    all.insert(record.pid, record.started);
    kill::tree(all).await?;
    if over(&mut ended, DEATH).await {
        return Ok(());
    }
    Err(EngineError::Refused(format!("process {} does not end", record.pid)))
}

fn remember(known: &Known, id: WorkspaceId, members: &Members) {
    known.with_live(id, |live| live.members.extend(members));
}

/// Whether it ended within the time.
async fn over(ended: &mut watch::Receiver<bool>, bound: Duration) -> bool {
    // The sender goes only after it has said so.
    timeout(bound, ended.wait_for(|ended| *ended)).await.is_ok()
}
