//! `POST /workspaces/{id}/hibernate`.

use platform::openapi::Refusals;
use platform::store::Look;
use platform::{Call, Platform, Problem, Reply, Result};
use rules::Status;
use serde_json::json;

use crate::openapi;

/// Stops an idle workspace until a message or a fire wakes it: 200 `{"status":"hibernating"}`, `hibernated` when its
/// container is stopped. `?force=true` also stops running turns. Operators, or the workspace itself.
///
/// # Errors
/// 401; 403; 404 not online or degraded; 409 `workspace_busy` with `active_tasks`; 409 external; 410; 503.
#[utoipa::path(
    post,
    path = "/workspaces/{id}/hibernate",
    operation_id = "hibernate_workspace",
    params(("force" = Option<bool>, Query, description = "Also stops running turns")),
    responses(
        (status = 200, description = "It stops", body = openapi::Hibernated),
        Refusals<400, 401, 403, 404, 409, 410, 503>,
    ),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn hibernate(platform: Platform, call: Call) -> Result<Reply> {
    let (_, id, seen) = platform.operator_or_self(&call, Look::record()).await?;
    let workspace = seen.workspace.ok_or_else(Problem::no_workspace)?;
    if !workspace.status.is_live() && workspace.status != Status::Removed && !workspace.is_external() {
        return Err(Problem::not_found("not_running", "only an online or degraded workspace can hibernate")
            .with("status", workspace.status.as_str()));
    }
    platform.hibernate(id, call.flag("force")).await?;
    let status = if platform.runs(&workspace) { Status::Hibernating } else { Status::Hibernated };
    Ok(Reply::ok(&json!({ "status": status })))
}
