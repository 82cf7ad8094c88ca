//! Starts that took too long.

use futures::{StreamExt, stream};
use platform::decide::{Fault, decide};
use platform::{Platform, Result};
use rules::{Status, WorkspaceId, start};

/// How many are looked at at once.
const AT_ONCE: usize = 16;

/// Looks at every workspace whose start, stop or restart is not settled: one that has been provisioning for longer than its
/// limit has failed. Never suspects the platform.
pub(crate) async fn sweep(platform: &Platform) -> Result<bool> {
    let due = platform.store.due("provision", platform.now()).await?;
    let looks = stream::iter(due).for_each_concurrent(AT_ONCE, |id| async move {
        if platform.config.engine.backend.runs_workspaces() {
            // The provision function looks: it may have to start, stop or restart it, and knows the log of one that failed.
            platform.reconcile_soon(id).await;
        } else if let Err(problem) = decide(|| time_out(platform, id)).await {
            tracing::error!(workspace = %id, code = problem.code, "provisioning not swept");
        }
    });
    looks.await;
    Ok(false)
}

async fn time_out(platform: &Platform, id: WorkspaceId) -> Result<(), Fault> {
    let now = platform.now();
    let transaction = platform.store.transaction();
    let Some(workspace) = platform.store.workspace(id).await? else { return Ok(()) };
    let limit = platform.config.engine.provision_timeout(&workspace.runtime);
    let evidence = format!("no heartbeat or register within {} s of the start", limit.as_secs());
    let Some((after, event)) = start::timed_out(&workspace, limit, &evidence, now) else {
        if workspace.status == Status::Provisioning {
            // Started anew since: its time is not over.
            return Ok(());
        }
        return Ok(transaction.provisioned(id).check_workspace(&workspace).commit().await?);
    };
    let transaction = transaction.put_workspace(&after).provisioned(id);
    Ok(platform.tell(transaction, &after, Some(event)).commit().await?)
}
