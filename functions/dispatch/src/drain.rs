//! The drain of one workspace.

use std::time::Duration;

use platform::deadline::Deadline;
use platform::queues::Received;
use platform::store::{CommitError, Look, Snapshot};
use platform::{Platform, Problem, Result};
use rules::WorkspaceId;
use rules::message::Priority;

use crate::claim::claim;
use crate::deliver::{After, deliver, give_back};

/// What a delivery takes beside the agent's time and that of its ending.
const MARGIN: Duration = Duration::from_secs(15);

/// Hands out messages until the queue is empty, the agent is full, there is no use in going on, or the deadline is so near
/// that an agent might be cut off in the middle of its answer: then another drain goes on.
///
/// # Errors
/// 503 when table or queue do not answer; the wake-up comes again.
pub async fn drain(platform: &Platform, id: WorkspaceId, deadline: Deadline) -> Result<()> {
    let look = Duration::from_secs(u64::from(platform.queues.drain_wait()));
    let one_more = look + platform.config.dispatch_hold + platform.config.settle_retry + MARGIN;
    let has_time = || deadline.allows(one_more);
    while let Some(slot) = claim(platform, id).await? {
        let served = serve(platform, id, &slot, has_time).await;
        if served.is_err()
            && let Err(problem) = give_back(platform, id, &slot).await
        {
            tracing::warn!(code = problem.code, workspace = %id, "a slot that holds nothing lasts until its end");
        }
        if served? == After::Stop {
            break;
        }
        if !has_time() {
            return Ok(platform.queues.wake(id).await?);
        }
    }
    Ok(())
}

/// Uses one slot as long as it lasts, and there is time after a first message. `Again`: the slot stays with a delivery
/// whose answer comes later, or was given back, and another may be free.
async fn serve(platform: &Platform, id: WorkspaceId, slot: &str, has_time: impl Fn() -> bool) -> Result<After> {
    loop {
        let seen = platform.store.look(id, &Look::record().lease().slots()).await?;
        let Some(held) = seen.slots.slots.get(slot) else { return Ok(After::Again) };
        let attempt = format!("{slot}-{}", held.epoch);
        match receive(platform, id, &seen.slots.order(), &attempt).await? {
            Some(received) => match deliver(platform, id, slot, received).await? {
                After::Next => {}
                after => return Ok(after),
            },
            None if close(platform, id, slot, seen).await? => return Ok(After::Stop),
            None => {}
        }
        if !has_time() {
            give_back(platform, id, slot).await?;
            return Ok(After::Again);
        }
    }
}

/// One pointer, from the first queue that has one.
async fn receive(platform: &Platform, id: WorkspaceId, order: &[Priority], attempt: &str) -> Result<Option<Received>> {
    for (place, priority) in order.iter().enumerate() {
        let wait = if place + 1 == order.len() { platform.queues.drain_wait() } else { 0 };
        if let Some(received) = platform.queues.receive(id, *priority, attempt, wait).await? {
            return Ok(Some(received));
        }
    }
    Ok(None)
}

/// Gives the slot back after an empty receive, if nobody woke this drain since the look before it. False: look again. A
/// message that is open and in nobody's hands has a pointer that is hidden, under way or lost: then heartbeats and the
/// sweep go on looking.
async fn close(platform: &Platform, id: WorkspaceId, slot: &str, seen: Snapshot) -> Result<bool> {
    let (mut slots, now) = (seen.slots, platform.now());
    slots.end(slot, now);
    slots.pending = slots.waiting() > 0;
    let quiet = slots.slots.is_empty() && !slots.pending;
    let mut transaction = platform.store.transaction().close_slots(id, &slots, now);
    if quiet && seen.lease.is_some() {
        transaction = transaction.lower_work(id);
    }
    match transaction.commit().await {
        Ok(()) => Ok(true),
        Err(CommitError::Moved(_)) => Ok(false),
        Err(CommitError::Store(error)) => Err(Problem::from(error)),
    }
}
