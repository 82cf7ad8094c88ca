//! One pointer, from receipt to outcome.

use std::time::Duration;

use bytes::Bytes;
use platform::decide::{Fault, decide};
use platform::delivery::{Ended, Ending, SlotAfter};
use platform::queues::{Received, Reminder};
use platform::store::{BodyKind, Look, StoreError};
use platform::{Platform, Result};
use rules::WorkspaceId;
use rules::dispatch::{Gate, Next, gate, settle};
use rules::liveness::effective;
use rules::message::{Message, State};
use rules::workspace::Workspace;

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

/// What to do with a received pointer.
enum Settled {
    /// Its message is in nobody's hands but ours: call the agent with its body.
    Go(Box<Workspace>, Box<Message>, Bytes, bool),
    /// It points to nothing that waits.
    Stale,
    /// Its message must wait this long.
    Wait(Duration),
    /// The slot is not ours any more.
    Lost,
    /// Its message ends here.
    End(State, String),
}

/// Delivers one message, or settles why not.
pub(crate) async fn deliver(platform: &Platform, id: WorkspaceId, slot: &str, received: Received) -> Result<After> {
    let Received { receipt, priority, .. } = &received;
    let leased = decide(|| lease_message(platform, id, slot, &received)).await;
    if leased.is_err()
        && let Err(error) = platform.queues.hide(id, *priority, receipt, Duration::ZERO).await
    {
        tracing::warn!(%error, workspace = %id, "a pointer stays hidden; the sweep sends it again");
    }
    match leased? {
        Settled::Stale => {
            platform.queues.delete(id, *priority, receipt).await?;
            Ok(After::Next)
        }
        Settled::End(state, reason) => {
            let pointer = received.pointer.as_ref();
            if let Some(pointer) = pointer {
                platform.end_waiting(id, pointer.message, state, &reason).await?;
            }
            platform.queues.delete(id, *priority, receipt).await?;
            Ok(After::Next)
        }
        Settled::Wait(length) => {
            platform.queues.hide(id, *priority, receipt, length).await?;
            remind(platform, id, length).await;
            give_back(platform, id, slot).await?;
            Ok(After::Stop)
        }
        Settled::Lost => {
            platform.queues.hide(id, *priority, receipt, Duration::ZERO).await?;
            Ok(After::Again)
        }
        Settled::Go(workspace, message, body, dedupes) => {
            hand_over(platform, &workspace, *message, body, &received, dedupes).await
        }
    }
}

/// `queued → dispatched` with slot and epoch, in one transaction with the slot; or why not. All that the delivery needs is
/// done before: between a leased message and its agent stands nothing that could fail.
async fn lease_message(
    platform: &Platform,
    id: WorkspaceId,
    slot: &str,
    received: &Received,
) -> Result<Settled, Fault> {
    let now = platform.now();
    let Some(pointer) = &received.pointer else { return Ok(Settled::Stale) };
    let look = Look::record().lease().slots().message(pointer.message);
    let snapshot = platform.store.look(id, &look).await?;
    let Some(workspace) = snapshot.workspace else { return Ok(Settled::Stale) };
    let Some(mut message) = snapshot.message else { return Ok(Settled::Stale) };
    if message.state != State::Queued || message.send_epoch != pointer.epoch {
        return Ok(Settled::Stale);
    }
    let truth = effective(&workspace, snapshot.lease.as_ref(), now);
    match gate(&message, truth.status, now) {
        Gate::Open => {}
        Gate::Wait(_) => {
            let until = message.not_before.filter(|at| *at > now);
            return Ok(Settled::Wait(until.map_or(Duration::ZERO, |at| at.since(now))));
        }
        Gate::End(state, reason) => return Ok(Settled::End(state, reason)),
    }
    let mut slots = snapshot.slots;
    let Some(held) = slots.slots.get_mut(slot) else { return Ok(Settled::Lost) };
    let body = match platform.store.body(message.id, BodyKind::Request).await {
        Ok(Some(body)) => body,
        Ok(None) => return Ok(Settled::End(State::Failed, "its body is gone".to_owned())),
        Err(StoreError::Corrupt(why)) => {
            tracing::error!(message = %message.id, why, "a body that cannot be read");
            return Ok(Settled::End(State::Failed, "its body cannot be read".to_owned()));
        }
        Err(error) => return Err(error.into()),
    };
    let longest = platform.config.max_turn + platform.config.turn_grace;
    platform.queues.hide(id, received.priority, &received.receipt, longest).await?;
    held.message = Some(message.id);
    held.until = now + longest;
    message.slot = Some(slot.to_owned());
    message.slot_epoch = held.epoch;
    message.state = State::Dispatched;
    message.generation = workspace.generation;
    message.receipt = Some(received.receipt.clone());
    message.dispatched_at = Some(now);
    message.version += 1;
    message.note(now, "leased", "");
    let transaction = platform.store.transaction().put_message(&message, platform.config.retention);
    transaction.put_slots(id, &slots).commit().await?;
    let beat = snapshot.lease.as_ref().map(|lease| &lease.beat);
    let dedupes = beat.is_some_and(|beat| beat.has("message_dedup"));
    Ok(Settled::Go(Box::new(workspace), Box::new(message), body, dedupes))
}

/// Calls the agent and settles what came of it.
async fn hand_over(
    platform: &Platform,
    workspace: &Workspace,
    message: Message,
    body: Bytes,
    received: &Received,
    dedupes: bool,
) -> Result<After> {
    let id = workspace.id;
    let answer = call(platform, workspace, &message, body).await;
    let releases = message.timeline.iter().filter(|step| step.what == "released").count();
    match settle(&message, &answer.outcome, u32::try_from(releases).unwrap_or(u32::MAX), dedupes) {
        Next::Complete => {
            let status = match answer.outcome {
                rules::dispatch::Outcome::Answered(status) => status,
                _ => 200,
            };
            let ending = Ending::Answered { status, content_type: answer.content_type, body: answer.body };
            finish(platform, &message, received, ending).await
        }
        Next::Fail(reason) => finish(platform, &message, received, Ending::Failed(reason)).await,
        Next::Await(why) => {
            decide(|| note_delivered(platform, &message, why)).await?;
            Ok(After::Again)
        }
        Next::Release { reason, after, attempt } => {
            let not_before = (!after.is_zero()).then(|| platform.now() + after);
            let ending = Ending::Released { reason, not_before, attempt };
            platform.end_delivery(id, message.id, message.slot_epoch, &ending, SlotAfter::Free).await?;
            platform.queues.hide(id, received.priority, &received.receipt, after).await?;
            remind(platform, id, after).await;
            Ok(After::Stop)
        }
    }
}

/// Settles record and slot, then deletes the pointer; the slot goes on with the next message.
async fn finish(platform: &Platform, message: &Message, received: &Received, ending: Ending) -> Result<After> {
    let (target, epoch) = (message.target, message.slot_epoch);
    let ended = platform.end_delivery(target, message.id, epoch, &ending, SlotAfter::Kept).await?;
    platform.queues.delete(target, received.priority, &received.receipt).await?;
    Ok(if matches!(ended, Ended::Settled(..)) { After::Next } else { After::Again })
}

/// The agent has it, and its answer comes later; the slot is held until then or until its end.
async fn note_delivered(platform: &Platform, message: &Message, why: &str) -> Result<(), Fault> {
    let Some(mut current) = platform.store.message(message.target, message.id).await? else { return Ok(()) };
    if current.state != State::Dispatched || current.slot_epoch != message.slot_epoch {
        return Ok(());
    }
    current.state = State::Delivered;
    current.reason = Some(why.to_owned());
    current.version += 1;
    current.note(platform.now(), "delivered", why);
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
