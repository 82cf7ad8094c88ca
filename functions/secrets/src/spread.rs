//! What a change of the organisation's secrets does to its workspaces. The change is stored before: a workspace that starts
//! meanwhile gets it anyway.

use futures::stream::{self, StreamExt};
use platform::decide::{Fault, decide};
use platform::{Platform, Result};
use rules::WorkspaceId;
use rules::secret::{SecretScope, gets_global_changes};

use crate::change::{Change, commit};

/// Workspaces that are told at once.
const AT_ONCE: usize = 16;

/// Raises the revision of each workspace that lives and has no secret of its own by that key, and has it looked at. One
/// that cannot be told is logged, and gets the change at its next start.
///
/// # Errors
/// The workspaces cannot be listed: repeating the change tells them.
pub(crate) async fn spread(platform: &Platform, org: &str, key: &str, change: Change) -> Result<()> {
    let ids = platform.store.workspaces(org).await?;
    stream::iter(ids).for_each_concurrent(AT_ONCE, |id| tell(platform, id, key, change)).await;
    Ok(())
}

async fn tell(platform: &Platform, id: WorkspaceId, key: &str, change: Change) {
    match decide(|| raise(platform, id, key, change)).await {
        Ok(true) => platform.config_changed(id).await,
        Ok(false) => {}
        Err(problem) => {
            tracing::error!(problem = problem.message, workspace = %id, key, "a workspace was not told of a global secret");
        }
    }
}

async fn raise(platform: &Platform, id: WorkspaceId, key: &str, change: Change) -> Result<bool, Fault> {
    let Some(workspace) = platform.store.workspace(id).await? else { return Ok(false) };
    if !gets_global_changes(&workspace) || platform.store.secret(id, key).await?.is_some() {
        return Ok(false);
    }
    commit(platform, &workspace, platform.store.transaction(), change, SecretScope::Global, key).await?;
    Ok(true)
}
