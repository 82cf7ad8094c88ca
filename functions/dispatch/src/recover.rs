//! After a start of a local platform: no drain of the process before lives, and its queue lost every pointer.

use std::time::Duration;

use platform::decide::{Fault, decide};
use platform::lost::dedupes;
use platform::store::Look;
use platform::{Platform, Result};
use rules::message::{Message, State};
use rules::{MessageId, WorkspaceId};

/// Frees the slots that died with the process, sends every queued message's pointer again in order, and wakes the
/// drains. Returns how many messages were sent again. A message that an agent still has gets a pointer too, hidden as
/// before, so that its lane waits for it and it can go back to its place there.
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
        for message in &open {
            hold_again(platform, id, message.id).await?;
        }
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
    let transaction = platform.store.transaction().put_message(&message, platform.config.retention);
    Ok(platform.stitch(transaction, &workspace, &message, None).await?.commit().await?)
}

/// A new pointer for a message that an agent has, in flight for as long as its slot lasts.
async fn hold_again(platform: &Platform, target: WorkspaceId, id: MessageId) -> Result<()> {
    let Some((message, length)) = decide(|| point_anew(platform, target, id)).await? else { return Ok(()) };
    platform.point_to(&message).await?;
    // Nothing else is in the queue yet. Where something is, the queue outlived the process, and with it the old pointer.
    let attempt = platform.entropy.uuid().to_string();
    let Some(received) = platform.queues.receive(target, message.priority, &attempt, 0).await? else { return Ok(()) };
    let ours = received.pointer.as_ref().is_some_and(|pointer| pointer.message == id);
    let length = if ours { length } else { Duration::ZERO };
    platform.queues.hide(target, message.priority, &received.receipt, length).await?;
    if ours {
        decide(|| keep_receipt(platform, &message, &received.receipt)).await?;
    }
    Ok(())
}

/// The message with a new epoch, and how long its slot lasts; none if nobody has it.
async fn point_anew(
    platform: &Platform,
    target: WorkspaceId,
    id: MessageId,
) -> Result<Option<(Message, Duration)>, Fault> {
    let snapshot = platform.store.look(target, &Look::record().slots().message(id)).await?;
    let Some(mut message) = snapshot.message.filter(|message| message.state.is_held()) else { return Ok(None) };
    let slot = message.slot.as_ref().and_then(|name| snapshot.slots.slots.get(name));
    let now = platform.now();
    // One that ran out meanwhile is found lost by whoever receives it.
    let length = slot.map_or(Duration::ZERO, |slot| slot.until.since(now));
    message.point_anew(now);
    message.version += 1;
    platform.store.transaction().put_message(&message, platform.config.retention).commit().await?;
    Ok(Some((message, length)))
}

async fn keep_receipt(platform: &Platform, pointed: &Message, receipt: &str) -> Result<(), Fault> {
    let Some(mut message) = platform.store.message(pointed.target, pointed.id).await? else { return Ok(()) };
    if !message.state.is_held() || message.send_epoch != pointed.send_epoch {
        return Ok(());
    }
    message.receipt = Some(receipt.to_owned());
    message.version += 1;
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
