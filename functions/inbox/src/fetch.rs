//! `GET /workspaces/{id}/inbox`.

use std::time::Duration;

use platform::auth::Principal;
use platform::lease::{Leased, Place, Taken};
use platform::openapi::Refusals;
use platform::queues::Received;
use platform::store::{CommitError, Look, Snapshot};
use platform::{Call, Platform, Problem, Reply, Result};
use rules::delivery::DeliveryMode;
use rules::envelope::MAX_BODY_BYTES;
use rules::liveness::effective;
use rules::slots::busy;
use rules::{WorkspaceId, credential};
use serde::Serialize;
use tokio::time::Instant;

use crate::item::Item;

/// One long poll of a queue lasts at most this many seconds, so that a message in another queue is not kept waiting.
const SLICE: u64 = 5;
/// Bodies that one answer carries, in bytes, but for its first item: Lambda limits an answer to 6 MB, in which quotes are
/// escaped.
const MOST_BYTES: usize = 3 * 1024 * 1024;
/// Pointers that lead to nothing, in a row, before the agent is sent to ask again.
const MOST_STALE: usize = 20;

/// What a look into the inbox gives.
#[derive(Serialize, utoipa::ToSchema)]
struct Inbox {
    items: Vec<Item>,
    pending: u32,
}

/// Leases up to `?max=` messages (1 to 10, else 1; `limit` is the same) to the workspace's own runtime, waiting up to
/// `?wait=` seconds (else 0, at most `INBOX_WAIT_MAX_SECONDS`) for the first: 200 `{"items":[…],"pending":n}`. Never more
/// than it has capacity for, and never two of one lane. `pending` counts those that still wait.
///
/// # Errors
/// 400; 401; 403 for an API token or another workspace's; 409 `not_polling` in push mode, `not_live` without a live
/// lease, `stale_generation`; 503.
#[utoipa::path(
    get,
    path = "/workspaces/{id}/inbox",
    operation_id = "fetch_inbox",
    params(
        ("wait" = Option<u32>, Query, description = "Seconds to wait for the first, else 0; the platform may wait for less", maximum = 3600),
        ("max" = Option<u32>, Query, description = "At most so many, else 1", minimum = 1, maximum = 10),
        ("limit" = Option<u32>, Query, description = "The same as `max`", minimum = 1, maximum = 10),
    ),
    responses(
        (status = 200, description = "What is leased now", body = Inbox),
        Refusals<400, 401, 403, 404, 409, 503>,
    ),
    security(("runtime" = [])),
)]
pub(crate) async fn fetch(platform: Platform, call: Call) -> Result<Reply> {
    let (_, id, seen) = permitted(&platform, &call, Look::record().lease().slots()).await?;
    let max = if call.query.contains_key("max") { "max" } else { "limit" };
    let max = call.number(max, 1, 1, 10)?;
    let wait = Duration::from_secs(u64::from(call.number("wait", 0, 0, 3600)?)).min(platform.config.inbox_wait);
    let until = Instant::now() + wait;
    let mut seen = ready(&platform, seen)?;
    let mut items = Vec::new();
    let (mut stale, mut bytes) = (0, 0);
    loop {
        let room = room(&platform, &seen);
        let wanted = max.min(room.saturating_add(u32::try_from(items.len()).unwrap_or(u32::MAX)));
        // The next body may be as large as any.
        let full = bytes > 0 && bytes + MAX_BODY_BYTES > MOST_BYTES;
        if items.len() >= usize::try_from(wanted).unwrap_or(0) || full || stale >= MOST_STALE {
            break;
        }
        let left = until.saturating_duration_since(Instant::now());
        let wait = if items.is_empty() { left.as_secs().min(SLICE) } else { 0 };
        match receive(&platform, id, &seen, u8::try_from(wait).unwrap_or(0)).await? {
            Some(received) => match take(&platform, id, received).await? {
                Some(taken) => {
                    let length = platform.config.inbox_lease;
                    bytes += taken.body.len();
                    items.push(Item::new(
                        &taken,
                        taken.message.dispatched_at.unwrap_or(platform.now()) + length,
                        length,
                    ));
                }
                None => stale += 1,
            },
            None if !items.is_empty() || wait == 0 => {
                close(&platform, id, &seen).await?;
                break;
            }
            None => {}
        }
        seen = ready(&platform, platform.store.look(id, &Look::record().lease().slots()).await?)?;
    }
    Ok(Reply::ok(&Inbox { items, pending: seen.slots.waiting() }))
}

/// The workspace's own runtime, of its newest generation.
pub(crate) async fn permitted(
    platform: &Platform,
    call: &Call,
    look: Look,
) -> Result<(Principal, WorkspaceId, Snapshot)> {
    let (principal, id, snapshot) = platform.operator_or_self(call, look).await?;
    if principal != Principal::Workspace(id) {
        return Err(Problem::forbidden("not_your_workspace", "only the workspace itself reads its inbox"));
    }
    let workspace = snapshot.workspace.as_ref().ok_or_else(Problem::no_workspace)?;
    credential::may_heartbeat(workspace, snapshot.presented())?;
    Ok((principal, id, snapshot))
}

/// What was seen, if the workspace may be handed messages.
fn ready(platform: &Platform, seen: Snapshot) -> Result<Snapshot> {
    let workspace = seen.workspace.as_ref().ok_or_else(Problem::no_workspace)?;
    if workspace.delivery.mode != DeliveryMode::Poll {
        return Err(Problem::conflict(
            "not_polling",
            "the workspace's messages are pushed to its URL; register with \"delivery_mode\":\"poll\" to fetch them",
        ));
    }
    let status = effective(workspace, seen.lease.as_ref(), platform.now()).status;
    if !status.is_dispatchable() {
        let text = format!("the workspace is {status}; send a heartbeat, then ask again");
        return Err(Problem::conflict("not_live", text).with("status", status.as_str()));
    }
    Ok(seen)
}

fn room(platform: &Platform, seen: &Snapshot) -> u32 {
    let capacity = seen.workspace.as_ref().map_or(0, |workspace| workspace.max_concurrent_tasks);
    let beat = seen.lease.as_ref().map(|lease| &lease.beat);
    capacity.saturating_sub(busy(&seen.slots, beat, platform.now()))
}

async fn receive(platform: &Platform, id: WorkspaceId, seen: &Snapshot, wait: u8) -> Result<Option<Received>> {
    let attempt = platform.entropy.uuid().to_string();
    let order = seen.slots.order();
    for (place, priority) in order.iter().enumerate() {
        let wait = if place + 1 == order.len() { wait } else { 0 };
        if let Some(received) = platform.queues.receive(id, *priority, &attempt, wait).await? {
            return Ok(Some(received));
        }
    }
    Ok(None)
}

/// Leases a received message; none if it is not to be had now.
async fn take(platform: &Platform, id: WorkspaceId, received: Received) -> Result<Option<Box<Taken>>> {
    let Received { receipt, priority, .. } = &received;
    let leased = platform.lease(id, &received, Place::Free, platform.config.inbox_lease).await;
    let hidden = match &leased {
        Ok(Leased::Taken(_) | Leased::Stale | Leased::End(..)) => None,
        Ok(Leased::Wait(length)) => Some(*length),
        Ok(Leased::NoSlot | Leased::Full) | Err(_) => Some(Duration::ZERO),
    };
    if let Some(length) = hidden
        && let Err(error) = platform.queues.hide(id, *priority, receipt, length).await
    {
        tracing::warn!(%error, workspace = %id, "a pointer stays hidden until its time is over");
    }
    match leased? {
        Leased::Taken(taken) => return Ok(Some(taken)),
        Leased::Stale => {}
        Leased::End(state, reason) => {
            if let Some(pointer) = &received.pointer {
                platform.end_waiting(id, pointer.message, state, &reason).await?;
            }
        }
        Leased::Wait(_) | Leased::NoSlot | Leased::Full => return Ok(None),
    }
    platform.queues.delete(id, *priority, receipt).await?;
    Ok(None)
}

/// Nothing waits any more: heartbeats and the sweep need not look, unless a message came since.
async fn close(platform: &Platform, id: WorkspaceId, seen: &Snapshot) -> Result<()> {
    let mut slots = seen.slots.clone();
    if !slots.pending || slots.waiting() > 0 {
        return Ok(());
    }
    slots.pending = false;
    let mut transaction = platform.store.transaction().close_slots(id, &slots, platform.now());
    if slots.slots.is_empty() && seen.lease.is_some() {
        transaction = transaction.lower_work(id);
    }
    match transaction.commit().await {
        Ok(()) | Err(CommitError::Moved(_)) => Ok(()),
        Err(CommitError::Store(error)) => Err(error.into()),
    }
}
