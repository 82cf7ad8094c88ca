//! Queues that may hold open messages: lost deliveries are settled, messages whose time is over end, those whose time has
//! come are sent, lost pointers are sent again, and every drain is woken.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::{StreamExt, stream};
use platform::store::{Look, Open};
use platform::{Platform, Result, measures};
use rules::delivery::DeliveryMode;
use rules::liveness::effective;
use rules::message::{Message, State};
use rules::slots::busy;
use rules::{MessageId, Status, Timestamp, WorkspaceId};

/// How many queues are looked at at once.
const AT_ONCE: usize = 16;
/// A pointer that was sent this long ago, and whose message nobody holds though the agent could take it, is lost.
const LOST_AFTER: Duration = Duration::from_secs(600);

/// Looks at every workspace whose queue is due. Never suspects the platform.
pub(crate) async fn sweep(platform: &Platform) -> Result<bool> {
    let due = platform.store.due("drain", platform.now()).await?;
    let ages = stream::iter(due).map(|id| async move {
        look_after(platform, id).await.unwrap_or_else(|problem| {
            tracing::error!(workspace = %id, code = problem.code, "queue not swept");
            Duration::ZERO
        })
    });
    let oldest = ages.buffer_unordered(AT_ONCE).fold(Duration::ZERO, async |oldest, age| oldest.max(age)).await;
    measures::oldest_waiting(oldest);
    Ok(false)
}

/// How long the first message has waited though its agent could be called and has room.
async fn look_after(platform: &Platform, id: WorkspaceId) -> Result<Duration> {
    let now = platform.now();
    let snapshot = platform.store.look(id, &Look::record().lease().slots()).await?;
    platform.climb(id).await?;
    let settled = platform.settle_lost(id, &snapshot, now).await?;
    let Some(workspace) = &snapshot.workspace else { return Ok(Duration::ZERO) };
    let mut open = platform.store.open(id).await?;
    for message in open.iter().filter(|open| open.state == State::Queued) {
        if message.deadline <= now {
            let reason = "its deadline passed before it could be delivered";
            platform.end_waiting(id, message.id, State::Expired, reason).await?;
        } else if message.sent_at.is_none() && message.not_before.is_some_and(|at| at <= now) {
            platform.send_due(id, message.id).await?;
        }
    }
    let lease = snapshot.lease.as_ref();
    let status = effective(workspace, lease, now).status;
    if status == Status::Hibernated && open.iter().any(|open| waits(open, now)) {
        // The drain that should have woken it was lost.
        platform.wake_hibernated(id, "a message waits").await?;
    }
    if !status.is_dispatchable() {
        return Ok(Duration::ZERO);
    }
    let room = busy(&snapshot.slots, lease.map(|lease| &lease.beat), now) < workspace.max_concurrent_tasks;
    let lanes = if room { forgotten(platform, id, &mut open, now).await? } else { BTreeMap::new() };
    let pointed = open.iter().filter(|open| open.sent_at.is_some()).count();
    if !lanes.is_empty() {
        platform.clear_lanes(id, &lanes).await?;
        if platform.queues.depth(id).await? < pointed {
            let sent = platform.resend(id, Some(&lanes)).await?;
            tracing::warn!(workspace = %id, sent, "lost pointers sent again");
        }
    }
    let age = if room { longest_wait(&open, now) } else { Duration::ZERO };
    // Without room whoever holds the last slot looks again; a wake-up of each minute would only pile up before others.
    if (room || settled > 0) && workspace.delivery.mode != DeliveryMode::Poll {
        platform.queues.wake(id).await?;
    }
    Ok(age)
}

/// It is in its queue, and nothing holds it back.
fn waits(open: &Open, now: Timestamp) -> bool {
    open.state == State::Queued && open.deadline > now && open.not_before.is_none_or(|at| at <= now)
}

/// How long the message has waited whose pointer is the oldest.
fn longest_wait(open: &[Open], now: Timestamp) -> Duration {
    let waiting = open.iter().filter(|open| open.state == State::Queued && open.not_before.is_none_or(|at| at <= now));
    waiting.filter_map(|open| open.sent_at).map(|sent| now.since(sent)).max().unwrap_or_default()
}

/// The lanes whose first message was due long ago and is in nobody's hands, with that message. Those whose records are gone
/// are taken out of what is open: nothing brings them back, and others come after them.
async fn forgotten(
    platform: &Platform,
    id: WorkspaceId,
    open: &mut Vec<Open>,
    now: Timestamp,
) -> Result<BTreeMap<String, Message>> {
    loop {
        let firsts = due_long_ago(open, now);
        let ids: Vec<MessageId> = firsts.values().copied().collect();
        let found = platform.store.messages_of(id, &ids).await?;
        let mut found: BTreeMap<MessageId, Message> = found.into_iter().map(|message| (message.id, message)).collect();
        if found.len() == firsts.len() {
            return Ok(firsts.into_iter().filter_map(|(lane, first)| Some((lane, found.remove(&first)?))).collect());
        }
        open.retain(|open| found.contains_key(&open.id) || !ids.contains(&open.id));
    }
}

fn due_long_ago(open: &[Open], now: Timestamp) -> BTreeMap<String, MessageId> {
    let held: BTreeSet<&str> = open.iter().filter(|open| open.state.is_held()).map(|open| open.lane.as_str()).collect();
    let mut first: BTreeMap<&str, &Open> = BTreeMap::new();
    for message in open.iter().filter(|open| open.state == State::Queued && open.deadline > now) {
        first.entry(&message.lane).or_insert(message);
    }
    let long_ago = |at: Timestamp| now.since(at) > LOST_AFTER;
    first
        .into_iter()
        .filter(|(lane, _)| !held.contains(lane))
        .filter(|(_, message)| message.sent_at.is_some_and(long_ago) && message.not_before.is_none_or(|at| at <= now))
        .map(|(lane, message)| (lane.to_owned(), message.id))
        .collect()
}
