//! Claiming a delivery slot.

use platform::decide::{Fault, decide};
use platform::delivery::BETWEEN;
use platform::store::{Look, SlotsChange};
use platform::{Platform, Result};
use rules::delivery::DeliveryMode;
use rules::liveness::effective;
use rules::slots::busy;
use rules::{Status, WorkspaceId};

/// A slot of the target if it can take a message now: alive, in push mode, with room. A wake that finds no room is
/// noted, so that the drain which holds the last slot looks once more before it ends.
pub(crate) async fn claim(platform: &Platform, id: WorkspaceId) -> Result<Option<String>> {
    decide(|| round(platform, id)).await
}

async fn round(platform: &Platform, id: WorkspaceId) -> Result<Option<String>, Fault> {
    let now = platform.now();
    let snapshot = platform.store.look(id, &Look::record().lease().slots()).await?;
    if platform.settle_lost(id, &snapshot, now).await? > 0 {
        return Err(Fault::Moved);
    }
    let Some(workspace) = snapshot.workspace else { return Ok(None) };
    let lease = snapshot.lease.as_ref();
    let status = effective(&workspace, lease, now).status;
    if status == Status::Hibernated && snapshot.slots.waiting() > 0 {
        // Its first register or heartbeat goes on from here.
        platform.wake_hibernated(id, "a message waits").await?;
        return Ok(None);
    }
    if !status.is_dispatchable() || workspace.delivery.mode == DeliveryMode::Poll {
        return Ok(None);
    }
    let mut slots = snapshot.slots;
    let (beat, capacity) = (lease.map(|lease| &lease.beat), workspace.max_concurrent_tasks);
    let Some((slot, _)) = slots.claim(beat, capacity, now, BETWEEN) else {
        // Whoever held the last slot may have given it back before the wake was noted, and then nobody heard it.
        let noted = platform.store.note_wake(id).await?;
        return match noted.is_some_and(|slots| busy(&slots, beat, now) < capacity) {
            true => Err(Fault::Moved),
            false => Ok(None),
        };
    };
    let transaction = platform.store.transaction().put_slots(id, SlotsChange::to(&slots));
    // A delete takes the slots away; only the first claim, which makes them, could bring them back.
    let transaction = if slots.version == 0 { transaction.check_workspace(&workspace) } else { transaction };
    transaction.commit().await?;
    Ok(Some(slot))
}
