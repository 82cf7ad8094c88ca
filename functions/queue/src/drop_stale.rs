//! `POST /admin/a2a-queue/drop-stale`.

use std::time::Duration;

use platform::openapi::Refusals;
use platform::{Call, Platform, Problem, Reply, Result};
use rules::message::State;
use rules::{MessageId, Timestamp, WorkspaceId};
use serde_json::json;

use crate::openapi;

/// Drops the messages that have waited for longer than `?max_age_minutes=`, of one workspace (`?workspace_id=`) or of all:
/// 200 `{"dropped":n}`. Each ends `dropped` with the reason and an event, and can be replayed. Messages that an agent has
/// are left alone. Operators.
///
/// # Errors
/// 400; 401; 403; 503, and then a repeat drops the rest.
#[utoipa::path(
    post,
    path = "/admin/a2a-queue/drop-stale",
    operation_id = "drop_stale_messages",
    params(
        ("max_age_minutes" = u32, Query, description = "What has waited for longer is dropped", minimum = 1),
        ("workspace_id" = Option<WorkspaceId>, Query, description = "Of this workspace only"),
    ),
    responses((status = 200, description = "How many", body = openapi::Dropped), Refusals<400, 401, 403, 503>),
    security(("operator" = [])),
)]
pub(crate) async fn drop_stale(platform: Platform, call: Call) -> Result<Reply> {
    platform.operator(&call).await?;
    let minutes = call.query.get("max_age_minutes").and_then(|text| text.parse::<u32>().ok()).filter(|age| *age >= 1);
    let minutes =
        minutes.ok_or_else(|| Problem::bad_request("invalid_query", "max_age_minutes must be a positive integer"))?;
    let only: Option<WorkspaceId> = match call.query.get("workspace_id").filter(|text| !text.is_empty()) {
        None => None,
        Some(text) => {
            Some(text.parse().map_err(|_| Problem::bad_request("invalid_id", "workspace_id must be a UUID"))?)
        }
    };
    let ids = match only {
        Some(id) => vec![id],
        None => platform.store.workspaces(&platform.config.org).await?,
    };
    let oldest = platform.now() - Duration::from_secs(u64::from(minutes) * 60);
    let reason = format!("waited for more than {minutes} minutes and was dropped by an operator");
    let mut dropped = 0;
    for id in ids {
        for open in platform.store.open(id).await? {
            if open.id.created_at() > oldest {
                break;
            }
            if open.state == State::Queued
                && is_older(&platform, id, open.id, oldest).await?
                && platform.end_waiting(id, open.id, State::Dropped, &reason).await?.is_some()
            {
                dropped += 1;
            }
        }
    }
    Ok(Reply::ok(&json!({ "dropped": dropped })))
}

/// One that was revived counts as accepted then.
async fn is_older(platform: &Platform, target: WorkspaceId, id: MessageId, than: Timestamp) -> Result<bool> {
    Ok(platform.store.message(target, id).await?.is_some_and(|message| message.accepted_at <= than))
}
