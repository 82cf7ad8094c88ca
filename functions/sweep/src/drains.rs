//! Queues that may hold open messages: expired slots are settled, lost pointers sent again, and every drain is woken.

use std::time::Duration;

use platform::decide::decide;
use platform::delivery::{Ending, SlotAfter};
use platform::store::{Look, Snapshot};
use platform::{Platform, Result};
use rules::delivery::DeliveryMode;
use rules::liveness::effective;
use rules::{Timestamp, WorkspaceId};

/// A pointer that was sent this long ago, and whose message nobody holds though the agent could take it, is lost.
const LOST_AFTER: Duration = Duration::from_secs(600);

/// Looks at every workspace whose queue is due. Never suspects the platform.
pub(crate) async fn sweep(platform: &Platform) -> Result<bool> {
    for id in platform.store.due("drain", platform.now()).await? {
        if let Err(problem) = look_after(platform, id).await {
            tracing::error!(workspace = %id, code = problem.code, "queue not swept");
        }
    }
    Ok(false)
}

async fn look_after(platform: &Platform, id: WorkspaceId) -> Result<()> {
    let now = platform.now();
    let snapshot = platform.store.look(id, &Look::record().lease().slots()).await?;
    end_run_out(platform, id, &snapshot, now).await?;
    let Some(workspace) = &snapshot.workspace else { return Ok(()) };
    let status = effective(workspace, snapshot.lease.as_ref(), now).status;
    if !status.is_dispatchable() || workspace.delivery.mode == DeliveryMode::Poll {
        return Ok(());
    }
    if snapshot.slots.slots.values().all(|slot| slot.until <= now) && oldest_is_lost(platform, id, now).await? {
        let sent = platform.resend(id).await?;
        tracing::warn!(workspace = %id, sent, "lost pointers sent again");
    }
    Ok(platform.queues.wake(id).await?)
}

/// A slot that ran out ends; its message was delivered, and its answer is lost.
async fn end_run_out(platform: &Platform, id: WorkspaceId, snapshot: &Snapshot, now: Timestamp) -> Result<()> {
    for (name, slot) in snapshot.slots.slots.iter().filter(|(_, slot)| slot.until <= now) {
        if let Some(message) = slot.message {
            let ending = Ending::Failed("answer_lost: the turn's time ran out without an answer".to_owned());
            platform.end_delivery(id, message, slot.epoch, &ending, SlotAfter::Free).await?;
        }
        decide(|| async move {
            let mut slots = platform.store.look(id, &Look::record().slots()).await?.slots;
            if slots.slots.get(name).is_some_and(|current| current.epoch == slot.epoch) && slots.end(name, now) {
                platform.store.save_slots(id, slots).await?;
            }
            Ok(())
        })
        .await?;
    }
    Ok(())
}

async fn oldest_is_lost(platform: &Platform, id: WorkspaceId, now: Timestamp) -> Result<bool> {
    let Some(oldest) = platform.store.open_messages(id).await?.into_iter().next() else { return Ok(false) };
    let message = platform.store.message(id, oldest).await?;
    Ok(message.is_some_and(|message| message.sent_at.is_none_or(|sent| now.since(sent) > LOST_AFTER)))
}
