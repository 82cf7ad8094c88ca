//! `GET /workspaces` and `GET /workspaces/{id}`.

use platform::openapi::Refusals;
use platform::store::Look;
use platform::{Call, Platform, Problem, Reply, Result, view};
use rules::Status;
use rules::schedule::Schedule;
use rules::slots::Slots;
use serde_json::{Value, json};

use crate::openapi;

/// 200 with an array of all workspaces that are not removed, oldest first. Operators only.
#[utoipa::path(
    get,
    path = "/workspaces",
    operation_id = "list_workspaces",
    responses((status = 200, description = "Oldest first", body = Vec<openapi::Workspace>), Refusals<401, 403, 503>),
    security(("operator" = [])),
)]
pub(crate) async fn list(platform: Platform, call: Call) -> Result<Reply> {
    platform.operator(&call).await?;
    let ids = platform.store.workspaces(&platform.config.org).await?;
    let mut found = platform.store.look_many(&ids).await?;
    found.retain(|(workspace, _)| workspace.status != Status::Removed);
    found.sort_by_key(|(workspace, _)| (workspace.created_at, workspace.id));
    let (now, slots) = (platform.now(), Slots::default());
    let shown: Vec<Value> = found
        .iter()
        .map(|(workspace, lease)| view::workspace(workspace, lease.as_ref(), &slots, &platform.config, now))
        .collect();
    Ok(Reply::ok(&shown))
}

/// 200 with one workspace: its true status, why, and its health. A removed one shows `"status":"removed"`. Operators, and
/// the workspace itself. `consecutive_bounced`: the most fires in a row that one of its schedules waits for or lost.
///
/// # Errors
/// 400 for an id that is no UUID; 401; 403; 404.
#[utoipa::path(
    get,
    path = "/workspaces/{id}",
    operation_id = "get_workspace",
    responses(
        (status = 200, description = "Its true status, why, and its health", body = openapi::Workspace),
        Refusals<400, 401, 403, 404, 503>,
    ),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn get(platform: Platform, call: Call) -> Result<Reply> {
    let (_, _, snapshot) = platform.operator_or_self(&call, Look::record().lease().slots()).await?;
    let workspace = snapshot.workspace.as_ref().ok_or_else(Problem::no_workspace)?;
    let lease = snapshot.lease.as_ref();
    let mut shown = view::workspace(workspace, lease, &snapshot.slots, &platform.config, platform.now());
    let schedules = platform.store.schedules(workspace.id).await?;
    let bounced = schedules.iter().map(Schedule::consecutive_not_fired).max();
    shown["consecutive_bounced"] = json!(bounced.unwrap_or_default());
    Ok(Reply::ok(&shown))
}
