//! What a record wants of the engine, by its status.

use platform::decide::Fault;
use platform::provisioner::Stop;
use platform::{Platform, Result};
use rules::workspace::Workspace;
use rules::{Status, WorkspaceId, start as starts};

use crate::{check, start, stop, time_out};

/// Looks at one record and does what it wants. What begins a new generation goes on with its start.
pub(crate) async fn reconcile(platform: &Platform, id: WorkspaceId) -> Result<()> {
    let Some(mut workspace) = platform.store.workspace(id).await? else { return Ok(()) };
    if !platform.runs(&workspace) {
        return Ok(());
    }
    if begin_if_wanted(platform, &workspace).await? {
        let Some(begun) = platform.store.workspace(id).await? else { return Ok(()) };
        workspace = begun;
    }
    match workspace.status {
        Status::Provisioning if time_out::is_over(platform, &workspace) => time_out::fail(platform, &workspace).await,
        Status::Provisioning if !workspace.start.launched => start::start(platform, &workspace).await,
        Status::Provisioning | Status::Online | Status::Degraded => check::check(platform, &workspace).await,
        Status::Offline if workspace.start.restart_at.is_none() => check::silent(platform, &workspace).await,
        Status::Offline => {
            // One that is due and still not begun may not be, as below a paused one: the sweep looks each minute.
            if let Some(due) = workspace.start.restart_at.filter(|due| *due > platform.now()) {
                platform.reconcile_later(id, due.since(platform.now())).await;
            }
            Ok(())
        }
        Status::Hibernating => stop::hibernate(platform, &workspace).await,
        Status::Paused | Status::Hibernated => stop::stop(platform, &workspace, Stop::All).await,
        Status::Removed => stop::stop(platform, &workspace, Stop::AndRemove).await,
        // Its log may still be wanted, and a late boot may bring it back.
        Status::Failed | Status::AwaitingAgent => Ok(()),
    }
}

/// A restart that is due, or one more start of a live workspace whose settings or secrets changed.
async fn begin_if_wanted(platform: &Platform, workspace: &Workspace) -> Result<bool> {
    let now = platform.now();
    match workspace.status {
        Status::Offline if workspace.start.restart_at.is_some_and(|at| at <= now) => {
            let dead = |record: &Workspace| record.status == Status::Offline && record.start.restart_at.is_some();
            let cause = workspace.status_reasons.first().map_or("it was gone", |reason| reason.code.as_str());
            platform.restart_by_itself(workspace.id, cause, dead).await
        }
        status if status.is_live() && starts::is_outdated(workspace) => {
            let due = starts::outdated_at(workspace);
            if due > now {
                platform.reconcile_later(workspace.id, due.since(now)).await;
                return Ok(false);
            }
            let outdated = |record: &Workspace| record.status.is_live() && starts::is_outdated(record);
            platform.restart_by_itself(workspace.id, "its settings or secrets changed", outdated).await
        }
        _ => Ok(false),
    }
}

/// Nothing is left to look at: the sweep need not ask for it again.
pub(crate) async fn settled(platform: &Platform, workspace: &Workspace) -> Result<()> {
    let settled = platform.store.transaction().provisioned(workspace.id).check_workspace(workspace).commit().await;
    match settled.map_err(Fault::from) {
        // Whoever moved it has sent a job of its own.
        Ok(()) | Err(Fault::Moved) => Ok(()),
        Err(Fault::Problem(problem)) => Err(problem),
    }
}
