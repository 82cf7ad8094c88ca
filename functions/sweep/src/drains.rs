//! Queues that may hold open messages: lost deliveries are settled, messages whose time is over end, those whose time has
//! come are sent, lost pointers are sent again, and every drain is woken.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use platform::store::{Look, Open};
use platform::{Platform, Result, measures};
use rules::delivery::DeliveryMode;
use rules::liveness::effective;
use rules::message::State;
use rules::slots::busy;
use rules::{Timestamp, WorkspaceId};

/// A pointer that was sent this long ago, and whose message nobody holds though the agent could take it, is lost.
const LOST_AFTER: Duration = Duration::from_secs(600);

/// Looks at every workspace whose queue is due. Never suspects the platform.
pub(crate) async fn sweep(platform: &Platform) -> Result<bool> {
    let mut oldest = Duration::ZERO;
    for id in platform.store.due("drain", platform.now()).await? {
        match look_after(platform, id).await {
            Ok(age) => oldest = oldest.max(age),
            Err(problem) => tracing::error!(workspace = %id, code = problem.code, "queue not swept"),
        }
    }
    measures::oldest_waiting(oldest);
    Ok(false)
}

/// How long the first message has waited though its agent could be called and has room.
async fn look_after(platform: &Platform, id: WorkspaceId) -> Result<Duration> {
    let now = platform.now();
    let snapshot = platform.store.look(id, &Look::record().lease().slots()).await?;
    platform.climb(id).await?;
    platform.settle_lost(id, &snapshot, now).await?;
    let Some(workspace) = &snapshot.workspace else { return Ok(Duration::ZERO) };
    let open = platform.store.open(id).await?;
    for message in open.iter().filter(|open| open.state == State::Queued) {
        if message.deadline <= now {
            let reason = "its deadline passed before it could be delivered";
            platform.end_waiting(id, message.id, State::Expired, reason).await?;
        } else if message.sent_at.is_none() && message.not_before.is_some_and(|at| at <= now) {
            platform.send_due(id, message.id).await?;
        }
    }
    let lease = snapshot.lease.as_ref();
    if !effective(workspace, lease, now).status.is_dispatchable() {
        return Ok(Duration::ZERO);
    }
    let room = busy(&snapshot.slots, lease.map(|lease| &lease.beat), now) < workspace.max_concurrent_tasks;
    let lanes = if room { forgotten(&open, now) } else { BTreeSet::new() };
    let pointed = open.iter().filter(|open| open.sent_at.is_some()).count();
    if !lanes.is_empty() && platform.queues.depth(id).await? < pointed {
        let sent = platform.resend(id, Some(&lanes)).await?;
        tracing::warn!(workspace = %id, sent, "lost pointers sent again");
    }
    let age = if room { longest_wait(&open, now) } else { Duration::ZERO };
    if workspace.delivery.mode != DeliveryMode::Poll {
        platform.queues.wake(id).await?;
    }
    Ok(age)
}

/// How long the message has waited whose pointer is the oldest.
fn longest_wait(open: &[Open], now: Timestamp) -> Duration {
    let waiting = open.iter().filter(|open| open.state == State::Queued && open.not_before.is_none_or(|at| at <= now));
    waiting.filter_map(|open| open.sent_at).map(|sent| now.since(sent)).max().unwrap_or_default()
}

/// The lanes whose first message was due long ago and is in nobody's hands.
fn forgotten(open: &[Open], now: Timestamp) -> BTreeSet<String> {
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
        .map(|(lane, _)| lane.to_owned())
        .collect()
}
