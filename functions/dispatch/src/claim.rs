//! Claiming a delivery slot.

use platform::decide::{Fault, decide};
use platform::delivery::BETWEEN;
use platform::store::Look;
use platform::{Platform, Result};
use rules::WorkspaceId;
use rules::delivery::DeliveryMode;
use rules::liveness::effective;

/// A slot of the target if it can take a message now: alive, in push mode, with room. A wake that finds no room is
/// noted, so that the drain which holds the last slot looks once more before it ends.
pub(crate) async fn claim(platform: &Platform, id: WorkspaceId) -> Result<Option<String>> {
    decide(|| round(platform, id)).await
}

async fn round(platform: &Platform, id: WorkspaceId) -> Result<Option<String>, Fault> {
    let now = platform.now();
    let snapshot = platform.store.look(id, &Look::record().lease().slots()).await?;
    let Some(workspace) = snapshot.workspace else { return Ok(None) };
    let lease = snapshot.lease.as_ref();
    let status = effective(&workspace, lease, now).status;
    if !status.is_dispatchable() || workspace.delivery.mode == DeliveryMode::Poll {
        return Ok(None);
    }
    let mut slots = snapshot.slots;
    let claimed = slots.claim(lease.map(|lease| &lease.beat), workspace.max_concurrent_tasks, now, BETWEEN);
    let Some((slot, _)) = claimed else {
        platform.store.note_wake(id).await?;
        return Ok(None);
    };
    platform.store.save_slots(id, slots).await?;
    Ok(Some(slot))
}
