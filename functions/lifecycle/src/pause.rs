//! `POST /workspaces/{id}/pause`.

use platform::openapi::Refusals;
use platform::store::Look;
use platform::{Call, Platform, Problem, Reply, Result};
use rules::Status;
use serde_json::json;

use crate::openapi;
use crate::subtree::below;

/// Stops a workspace and all below it, until they are resumed: 200 `{"status":"paused","paused_count"}`. What waits for them
/// goes on waiting; their schedules skip. Operators, or the workspace itself.
///
/// # Errors
/// 401; 403; 404 unknown, or paused already; 410; 503: repeating it finishes what was begun.
#[utoipa::path(
    post,
    path = "/workspaces/{id}/pause",
    operation_id = "pause_workspace",
    responses(
        (status = 200, description = "Paused, with all below it", body = openapi::Paused),
        Refusals<400, 401, 403, 404, 409, 410, 503>,
    ),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn pause(platform: Platform, call: Call) -> Result<Reply> {
    let (_, id, seen) = platform.operator_or_self(&call, Look::record()).await?;
    let workspace = seen.workspace.ok_or_else(Problem::no_workspace)?;
    if workspace.status == Status::Removed {
        return Err(Problem::gone());
    }
    // From above: what a descendant's restart asks for is whether anything above it is paused.
    let mut count = usize::from(platform.pause(id).await?);
    let below = below(&platform, id, |_| true).await?;
    for child in below.wanted {
        count += usize::from(platform.pause(child).await.or_else(gone_meanwhile)?);
    }
    below.whole?;
    if count == 0 {
        return Err(Problem::not_found("already_paused", "the workspace is paused already"));
    }
    Ok(Reply::ok(&json!({ "status": "paused", "paused_count": count })))
}

/// A descendant that was removed meanwhile is nobody's concern.
pub(crate) fn gone_meanwhile(problem: Problem) -> Result<bool> {
    if matches!(problem.status.as_u16(), 404 | 410) { Ok(false) } else { Err(problem) }
}
