//! After a start of a local platform: no drain of the process before lives, and its queue lost every pointer.

use platform::decide::{Fault, decide};
use platform::lost::dedupes;
use platform::store::Look;
use platform::{Platform, Result};
use rules::message::State;
use rules::{MessageId, WorkspaceId};

/// Frees the slots that died with the process, sends every queued message's pointer again in order, and wakes the
/// drains. Returns how many messages were sent again.
///
/// A message that was being handed over may have reached its agent. One whose agent de-duplicates goes back to its lane;
/// any other counts as delivered, and its slot lasts until the answer or its end.
///
/// # Errors
/// 503 when table or queue do not answer.
pub async fn recover(platform: &Platform) -> Result<usize> {
    let mut sent = 0;
    for id in platform.store.workspaces(&platform.config.org).await? {
        let open = platform.store.open(id).await?;
        for message in &open {
            decide(|| settle(platform, id, message.id)).await?;
        }
        platform.store.recount_open(id, open.len()).await?;
        decide(|| free_slots(platform, id)).await?;
        let again = platform.resend(id, None).await?;
        if again > 0 {
            platform.wake_drain(id).await;
        }
        sent += again;
    }
    Ok(sent)
}

async fn settle(platform: &Platform, id: WorkspaceId, message: MessageId) -> Result<(), Fault> {
    let snapshot = platform.store.look(id, &Look::record().lease().message(message)).await?;
    let (Some(workspace), Some(mut message)) = (snapshot.workspace, snapshot.message) else { return Ok(()) };
    if message.state != State::Dispatched {
        return Ok(());
    }
    let now = platform.now();
    message.version += 1;
    if dedupes(&workspace, snapshot.lease.as_ref()) {
        message.release(now, "the platform restarted during the delivery", None, false);
    } else {
        message.deliver(now, "perhaps delivered; the platform restarted during the delivery");
    }
    Ok(platform.store.transaction().put_message(&message, platform.config.retention).commit().await?)
}

/// Ends each slot whose message is not out any more.
async fn free_slots(platform: &Platform, id: WorkspaceId) -> Result<(), Fault> {
    let mut slots = platform.store.look(id, &Look::record().slots()).await?.slots;
    let mut dead = Vec::new();
    for (name, slot) in &slots.slots {
        let state = match slot.message {
            Some(message) => platform.store.message(id, message).await?.map(|message| message.state),
            None => None,
        };
        if state != Some(State::Delivered) {
            dead.push(name.clone());
        }
    }
    if dead.is_empty() {
        return Ok(());
    }
    for name in dead {
        slots.end(&name, platform.now());
    }
    platform.store.save_slots(id, slots).await?;
    Ok(())
}
