//! One pointer, from receipt to outcome.

use std::time::Duration;

use platform::agents::AgentAnswer;
use platform::decide::{Fault, decide};
use platform::delivery::{Delivery, Ended, Ending, SlotAfter};
use platform::lease::{Leased, Place, Taken};
use platform::queues::{Received, Reminder};
use platform::store::Look;
use platform::{Platform, Result};
use rules::WorkspaceId;
use rules::dispatch::{Next, Outcome, settle};
use rules::message::State;
use tracing::Instrument;

use crate::call::call;

/// How a drain goes on after a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// The slot is free for the next message.
    Next,
    /// The slot is gone or still held; another may be free.
    Again,
    /// No use in going on now.
    Stop,
}

/// Delivers one message, or settles why not.
pub(crate) async fn deliver(platform: &Platform, id: WorkspaceId, slot: &str, received: Received) -> Result<After> {
    let Received { receipt, priority, .. } = &received;
    let longest = platform.config.max_turn + platform.config.turn_grace;
    let leased = platform.lease(id, &received, Place::Claimed(slot), longest).await;
    if leased.is_err()
        && let Err(error) = platform.queues.hide(id, *priority, receipt, Duration::ZERO).await
    {
        tracing::warn!(%error, workspace = %id, "a pointer stays hidden; the sweep sends it again");
    }
    match leased? {
        Leased::Taken(taken) => {
            let message = &taken.message;
            let span = tracing::info_span!(
                "delivery",
                workspace = %id,
                message = %message.id,
                traceparent = message.trace.as_ref().map(|trace| trace.parent.as_str()),
            );
            hand_over(platform, *taken).instrument(span).await
        }
        Leased::Stale => {
            platform.queues.delete(id, *priority, receipt).await?;
            Ok(After::Next)
        }
        Leased::End(state, reason) => {
            if let Some(pointer) = &received.pointer {
                platform.end_waiting(id, pointer.message, state, &reason).await?;
            }
            platform.queues.delete(id, *priority, receipt).await?;
            Ok(After::Next)
        }
        Leased::Wait(length) => {
            platform.queues.hide(id, *priority, receipt, length).await?;
            if !length.is_zero() {
                // Its lane waits; another may not.
                remind(platform, id, length).await;
                return Ok(After::Next);
            }
            give_back(platform, id, slot).await?;
            Ok(After::Stop)
        }
        Leased::Full => {
            platform.queues.hide(id, *priority, receipt, Duration::ZERO).await?;
            give_back(platform, id, slot).await?;
            Ok(After::Stop)
        }
        Leased::NoSlot => {
            platform.queues.hide(id, *priority, receipt, Duration::ZERO).await?;
            Ok(After::Again)
        }
    }
}

/// Calls the agent and settles what came of it.
async fn hand_over(platform: &Platform, taken: Taken) -> Result<After> {
    let Taken { workspace, message, body, dedupes } = taken;
    let sent_at = platform.now();
    let answer = call(platform, &workspace, &message, body).await;
    if answer.outcome == Outcome::Refused && platform.runs(&workspace) {
        // Nobody listens: the engine is asked whether it runs at all, and if not, it is offline and restarted.
        platform.reconcile_soon(workspace.id).await;
    }
    let delivery = Delivery { sent_at: Some(sent_at), ..Delivery::of(&message) };
    let (ending, after) = match settle(&message, &answer.outcome, message.releases(), dedupes) {
        Next::Complete => {
            let status = match answer.outcome {
                Outcome::Answered(status) => status,
                _ => 200,
            };
            let AgentAnswer { content_type, a2a_version, body, .. } = answer;
            (Ending::Answered { status, content_type, a2a_version, body }, Duration::ZERO)
        }
        Next::Fail(reason) => (Ending::Failed(reason), Duration::ZERO),
        Next::Await(why) => {
            decide(|| note_delivered(platform, &delivery, why)).await?;
            return Ok(After::Again);
        }
        Next::Release { reason, after, attempt } => {
            let not_before = (!after.is_zero()).then(|| platform.now() + after);
            (Ending::Released { reason, not_before, attempt }, after)
        }
    };
    if matches!(ending, Ending::Released { .. }) {
        platform.end_delivery(&delivery, &ending, SlotAfter::Free).await?;
        remind(platform, workspace.id, after).await;
        return Ok(After::Stop);
    }
    // The slot goes on with the next message.
    let ended = platform.end_delivery(&delivery, &ending, SlotAfter::Kept).await?;
    Ok(if matches!(ended, Ended::Settled(_)) { After::Next } else { After::Again })
}

/// The agent has it, and its answer comes later; the slot is held until then or until its end.
async fn note_delivered(platform: &Platform, delivery: &Delivery, why: &str) -> Result<(), Fault> {
    let Some(mut current) = platform.store.message(delivery.target, delivery.id).await? else { return Ok(()) };
    if current.state != State::Dispatched || current.slot_epoch != delivery.slot_epoch {
        return Ok(());
    }
    if let Some(sent_at) = delivery.sent_at {
        current.note(sent_at, "sent", "");
    }
    current.deliver(platform.now(), why);
    current.version += 1;
    Ok(platform.store.transaction().put_message(&current, platform.config.retention).commit().await?)
}

/// Ends a claim that holds no message.
pub(crate) async fn give_back(platform: &Platform, id: WorkspaceId, slot: &str) -> Result<()> {
    decide(|| async move {
        let mut slots = platform.store.look(id, &Look::record().slots()).await?.slots;
        let empty = slots.slots.get(slot).is_some_and(|held| held.message.is_none());
        if empty && slots.end(slot, platform.now()) {
            platform.store.save_slots(id, slots).await?;
        }
        Ok(())
    })
    .await
}

/// Wakes the drain again later; where that fails, a heartbeat or the sweep does.
async fn remind(platform: &Platform, id: WorkspaceId, after: Duration) {
    let reminder = Reminder::Drain { workspace_id: id };
    if !after.is_zero()
        && let Err(error) = platform.queues.remind(&reminder, after).await
    {
        tracing::warn!(%error, workspace = %id, "reminder not sent; a heartbeat or the sweep drains");
    }
}
