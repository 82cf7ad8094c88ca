//! Workspaces that have had nothing to do for as long as they were set to wait: they are stopped, and wake for a message or
//! ahead of a fire.

use platform::store::LEASE_SHARDS;
use platform::{Platform, Result};

/// Asks every lease that says how long its workspace may idle, and hibernates those that did. Never suspects the platform.
pub(crate) async fn sweep(platform: &Platform) -> Result<bool> {
    let now = platform.now();
    for shard in 0..LEASE_SHARDS {
        for lease in platform.store.leases(shard).await? {
            if !lease.may_hibernate(now) {
                continue;
            }
            match platform.hibernate_idle(lease.workspace_id).await {
                Ok(true) => tracing::info!(workspace = %lease.workspace_id, "idle: hibernates"),
                Ok(false) => {}
                Err(problem) => {
                    tracing::error!(workspace = %lease.workspace_id, code = problem.code, "not looked at for idleness");
                }
            }
        }
    }
    Ok(false)
}
