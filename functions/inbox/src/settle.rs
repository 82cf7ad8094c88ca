//! What an agent does with a message that it fetched: answer it, give it back, or keep it for longer.

use std::time::Duration;

use bytes::Bytes;
use platform::decide::{Fault, decide};
use platform::delivery::{Delivery, Ended, Ending, SlotAfter};
use platform::openapi::Refusals;
use platform::store::{Look, SlotsChange};
use platform::{Call, Platform, Problem, Reply, Result};
use rules::dispatch::{BUSY_BACKOFF_MAX, backoff};
use rules::field::capped;
use rules::{MessageId, Timestamp, WorkspaceId};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::fetch::permitted;
use crate::openapi;

/// The largest response, in bytes: Lambda takes events of 6 MB, in which the body's quotes are escaped.
pub(crate) const MAX_RESPONSE: usize = 4 * 1024 * 1024;
/// The longest reason that is kept, in bytes.
const REASON_BYTES: usize = 400;
/// The longest that a message may be given back for, in seconds.
const LONGEST_DELAY: u64 = 43_000;

#[derive(Deserialize, utoipa::ToSchema)]
struct Ack {
    slot_epoch: u64,
    #[schema(value_type = crate::openapi::AckStatus)]
    status: String,
    #[serde(default)]
    #[schema(value_type = Option<serde_json::Value>)]
    response: Option<Box<RawValue>>,
    #[serde(default)]
    error: Option<String>,
}

#[derive(Deserialize, utoipa::ToSchema)]
struct Nack {
    slot_epoch: u64,
    #[serde(default)]
    #[schema(maximum = 43_000)]
    delay_seconds: Option<u64>,
    #[serde(default)]
    reason: Option<String>,
}

#[derive(Deserialize, utoipa::ToSchema)]
struct Extend {
    slot_epoch: u64,
    #[serde(default)]
    #[schema(minimum = 1, maximum = 43_000)]
    seconds: Option<u64>,
}

/// Ends a message: `{"slot_epoch","status":"completed","response"}` with the JSON that its sender gets, or `"failed"` with
/// `"error"`; 200 `{"status"}`.
///
/// # Errors
/// 400, 401, 403, 404; 409 `late_result` when the lease is over: drop the result. The same once more is no error.
#[utoipa::path(
    post,
    path = "/workspaces/{id}/inbox/{queue_id}/ack",
    operation_id = "ack_message",
    params(("A2A-Version" = Option<String>, Header, description = "Of the response")),
    request_body = Ack,
    responses(
        (status = 200, description = "It ended", body = openapi::Settled),
        Refusals<400, 401, 403, 404, 409, 503>,
    ),
    security(("runtime" = [])),
)]
pub(crate) async fn ack(platform: Platform, call: Call) -> Result<Reply> {
    let (_, id, _) = permitted(&platform, &call, Look::record()).await?;
    let queue_id: MessageId = call.id("queue_id")?;
    call.shallow()?;
    let body: Ack = call.json()?;
    let ending = match (body.status.as_str(), body.response) {
        ("completed", Some(response)) => Ending::Answered {
            status: 200,
            content_type: "application/json".to_owned(),
            a2a_version: call.header("a2a-version").and_then(platform::agents::version),
            body: Bytes::from(response.get().as_bytes().to_vec()),
        },
        ("completed", None) => {
            return Err(Problem::bad_request("invalid_field", "response must hold the answer to a completed message"));
        }
        ("failed", _) => {
            let why = capped(body.error.as_deref().unwrap_or("it gave no reason"), REASON_BYTES);
            Ending::Failed(format!("the agent could not do it: {why}"))
        }
        _ => return Err(Problem::bad_request("invalid_field", "status must be completed or failed")),
    };
    end(&platform, id, queue_id, body.slot_epoch, &ending).await
}

/// Gives a message back: `{"slot_epoch","delay_seconds"?,"reason"?}`; 200 `{"status":"queued"}`. It keeps its place in its
/// lane and no attempt is counted; without a delay it backs off by itself.
///
/// # Errors
/// 400, 401, 403, 404; 409 `late_result`. The same once more is no error until somebody has it again.
#[utoipa::path(
    post,
    path = "/workspaces/{id}/inbox/{queue_id}/nack",
    operation_id = "nack_message",
    request_body = Nack,
    responses(
        (status = 200, description = "It waits again", body = openapi::Settled),
        Refusals<400, 401, 403, 404, 409, 503>,
    ),
    security(("runtime" = [])),
)]
pub(crate) async fn nack(platform: Platform, call: Call) -> Result<Reply> {
    let (_, id, _) = permitted(&platform, &call, Look::record()).await?;
    let queue_id: MessageId = call.id("queue_id")?;
    let body: Nack = call.json()?;
    let after = match body.delay_seconds {
        Some(seconds) if seconds > LONGEST_DELAY => {
            return Err(Problem::bad_request("invalid_field", "delay_seconds must be at most 43000"));
        }
        Some(seconds) => Duration::from_secs(seconds),
        None => {
            let message = platform.store.message(id, queue_id).await?;
            message.map_or(Duration::ZERO, |message| backoff(message.releases())).min(BUSY_BACKOFF_MAX)
        }
    };
    let ending = Ending::Released {
        reason: format!("the agent gave it back: {}", capped(body.reason.as_deref().unwrap_or("busy"), REASON_BYTES)),
        not_before: (!after.is_zero()).then(|| platform.now() + after),
        attempt: false,
    };
    end(&platform, id, queue_id, body.slot_epoch, &ending).await
}

async fn end(
    platform: &Platform,
    target: WorkspaceId,
    id: MessageId,
    slot_epoch: u64,
    ending: &Ending,
) -> Result<Reply> {
    let delivery = Delivery { target, id, slot_epoch, sent_at: None };
    match platform.end_delivery(&delivery, ending, SlotAfter::Free).await? {
        Ended::Settled(message) => Ok(Reply::ok(&json!({ "status": message.state }))),
        Ended::Late => Err(late()),
        Ended::Unknown => Err(Problem::unknown_message()),
    }
}

fn late() -> Problem {
    Problem::conflict(
        "late_result",
        "the message is not with this lease any more: it ran out or the message was cancelled; stop its turn",
    )
}

/// Keeps a message for longer: `{"slot_epoch","seconds"?}` from now, else another `INBOX_LEASE_SECONDS`; 200
/// `{"lease_expires_at","lease_seconds"}`. No lease passes the turn's ceiling with its grace.
///
/// # Errors
/// 400, 401, 403, 404; 409 `late_result`.
#[utoipa::path(
    post,
    path = "/workspaces/{id}/inbox/{queue_id}/extend",
    operation_id = "extend_lease",
    request_body = Extend,
    responses(
        (status = 200, description = "Until when it is leased", body = openapi::Extended),
        Refusals<400, 401, 403, 404, 409, 503>,
    ),
    security(("runtime" = [])),
)]
pub(crate) async fn extend(platform: Platform, call: Call) -> Result<Reply> {
    let (_, id, _) = permitted(&platform, &call, Look::record()).await?;
    let queue_id: MessageId = call.id("queue_id")?;
    let body: Extend = call.json()?;
    let asked = match body.seconds {
        None => platform.config.inbox_lease,
        Some(seconds @ 1..=43_000) => Duration::from_secs(seconds),
        Some(_) => return Err(Problem::bad_request("invalid_field", "seconds must be from 1 to 43000")),
    };
    let until = decide(|| round(&platform, id, queue_id, body.slot_epoch, asked)).await?;
    Ok(Reply::ok(&json!({
        "lease_expires_at": until.rfc3339(),
        "lease_seconds": until.since(platform.now()).as_secs_f64(),
    })))
}

async fn round(
    platform: &Platform,
    target: WorkspaceId,
    id: MessageId,
    slot_epoch: u64,
    asked: Duration,
) -> Result<Timestamp, Fault> {
    let now = platform.now();
    let snapshot = platform.store.look(target, &Look::record().slots().message(id)).await?;
    let message = snapshot.message.ok_or_else(Problem::unknown_message)?;
    let mut slots = snapshot.slots;
    let slot = message.slot.as_ref().and_then(|name| slots.slots.get_mut(name));
    let held = message.state.is_held() && message.slot_epoch == slot_epoch;
    let slot = slot.filter(|slot| held && slot.epoch == slot_epoch && slot.until > now).ok_or_else(late)?;
    let ceiling = platform.config.max_turn + platform.config.turn_grace;
    let until = (now + asked).min(message.dispatched_at.unwrap_or(now) + ceiling);
    if let Some(receipt) = &message.receipt {
        platform.queues.hide(target, message.priority, receipt, until.since(now)).await?;
    }
    slot.until = until;
    platform.store.transaction().put_slots(target, SlotsChange::to(&slots)).commit().await?;
    Ok(until)
}
