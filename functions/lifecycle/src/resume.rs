//! `POST /workspaces/{id}/resume`.

use platform::openapi::Refusals;
use platform::store::Look;
use platform::{Call, Platform, Problem, Reply, Result};
use rules::Status;
use serde_json::json;

use crate::openapi;
use crate::pause::gone_meanwhile;
use crate::subtree::below;

/// Starts a paused workspace, and all that are paused below it, however deep: 200 `{"status":"provisioning","resumed_count"}`,
/// an external one `awaiting_agent`. Operators, or the workspace itself.
///
/// # Errors
/// 401; 403; 404 not paused; 409 `ancestor_paused`; 410; 503: repeating it finishes what was begun.
#[utoipa::path(
    post,
    path = "/workspaces/{id}/resume",
    operation_id = "resume_workspace",
    responses(
        (status = 200, description = "Started, with all that were paused below it", body = openapi::Resumed),
        Refusals<400, 401, 403, 404, 409, 410, 503>,
    ),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn resume(platform: Platform, call: Call) -> Result<Reply> {
    let (_, id, seen) = platform.operator_or_self(&call, Look::record()).await?;
    let workspace = seen.workspace.ok_or_else(Problem::no_workspace)?;
    if workspace.status == Status::Removed {
        return Err(Problem::gone());
    }
    // A repeat after a failure finds the root and some below it resumed, and others still paused.
    let resumed = platform.resume(id).await?;
    let mut count = usize::from(resumed);
    let below = below(&platform, id, |child| child.status == Status::Paused).await?;
    for child in below.wanted {
        count += usize::from(platform.resume(child).await.or_else(gone_meanwhile)?);
    }
    below.whole?;
    if count == 0 {
        return Err(Problem::not_found("not_paused", "neither the workspace nor any below it is paused"));
    }
    let status = match resumed {
        true if workspace.is_external() => Status::AwaitingAgent,
        true => Status::Provisioning,
        false => workspace.status,
    };
    Ok(Reply::ok(&json!({ "status": status, "resumed_count": count })))
}
