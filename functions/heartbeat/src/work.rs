//! What a heartbeat does for the messages that are open: it wakes the drain where there is room, notices what will never
//! be answered, and what waits for too long.

use platform::lost::dedupes;
use platform::store::{Look, StoreError};
use platform::{Platform, Result};
use rules::Status;
use rules::delivery::DeliveryMode;
use rules::dispatch::{Loss, is_lost_to_idleness};
use rules::ladder::{climb, turn};
use rules::lease::{Beat, Lease};
use rules::slots::Slots;
use rules::starvation::{Hunger, evidence, hunger};
use rules::workspace::Workspace;

use crate::beat::Heartbeat;

/// How many of the oldest messages are looked at for one that starves.
const OLDEST: i32 = 20;

/// How the queue stands.
#[derive(Debug, Default)]
pub(crate) struct Work {
    /// Messages that wait.
    pub(crate) pending: u32,
    /// One has waited for too long.
    pub(crate) starved: bool,
}

/// Looks after the open messages of a workspace whose lease before this beat was `before`. Costs nothing when none is open.
pub(crate) async fn look_after(
    platform: &Platform,
    heartbeat: &Heartbeat,
    status: Status,
    before: &Lease,
) -> Result<Work> {
    if !before.work || !status.is_dispatchable() {
        return Ok(Work::default());
    }
    let (id, beat, now) = (heartbeat.workspace_id, &heartbeat.beat, platform.now());
    let mut seen = platform.store.look(id, &Look::record().lease().slots()).await?;
    let Some(workspace) = seen.workspace.take() else { return Ok(Work::default()) };
    let push = workspace.delivery.mode == DeliveryMode::Push;
    let capacity = workspace.max_concurrent_tasks;
    if beat.active_tasks == 0 && before.beat.active_tasks == 0 {
        settle_idle(platform, heartbeat, &workspace, before, &seen.slots).await?;
    }
    if push && beat.active_tasks < capacity {
        platform.wake_drain(id).await;
    }
    let limits = platform.turn_limits();
    let running = turn(&seen.slots, seen.lease.as_ref());
    if running.is_some_and(|turn| climb(turn, seen.slots.ladder.as_ref(), None, limits, now).is_some()) {
        platform.climb(id).await?;
    }
    match hunger(&seen.slots, beat, capacity, now) {
        Hunger::None if seen.slots.starving_since.is_some() => platform.store.note_starving(id, None).await?,
        Hunger::Begins => platform.store.note_starving(id, Some(now)).await?,
        _ => {}
    }
    let starved = starved(platform, &workspace, beat, &seen.slots).await?;
    Ok(Work { pending: seen.slots.waiting(), starved: starved.is_some() })
}

/// Messages that the agent was given and, by two of its heartbeats, does not work on.
async fn settle_idle(
    platform: &Platform,
    heartbeat: &Heartbeat,
    workspace: &Workspace,
    before: &Lease,
    slots: &Slots,
) -> Result<()> {
    for held in slots.slots.values().filter_map(|slot| slot.message) {
        let Some(message) = platform.store.message(workspace.id, held).await? else { continue };
        let hold = platform.config.dispatch_hold;
        if is_lost_to_idleness(&message, &before.beat, &heartbeat.beat, hold, platform.now()) {
            platform.lose(&message, Loss::Idle, dedupes(workspace, Some(before))).await?;
        }
    }
    Ok(())
}

/// Evidence that a message has waited for too long although there was room for it.
pub(crate) async fn starved(
    platform: &Platform,
    workspace: &Workspace,
    beat: &Beat,
    slots: &Slots,
) -> Result<Option<String>, StoreError> {
    let now = platform.now();
    let Hunger::Starved(since) = hunger(slots, beat, workspace.max_concurrent_tasks, now) else { return Ok(None) };
    for open in platform.store.oldest_open(workspace.id, OLDEST).await? {
        if open.state.is_held() {
            continue;
        }
        let Some(message) = platform.store.message(workspace.id, open.id).await? else { continue };
        if let Some(evidence) = evidence(&message, since, now) {
            return Ok(Some(evidence));
        }
    }
    Ok(None)
}
