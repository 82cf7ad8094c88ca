//! `GET /workspaces` and `GET /workspaces/{id}`.

use platform::openapi::Refusals;
use platform::store::Look;
use platform::{Call, Platform, Problem, Reply, Result, view};
use rules::schedule::Schedule;
use rules::slots::Slots;
use rules::{Status, WorkspaceId};
use serde_json::{Value, json};

use crate::openapi;

/// 200 with an array of all workspaces that are not removed, oldest first. Operators only.
///
/// Some thousands do not fit into one answer of a function: with `?limit=` come so many at most, in the order of their ids,
/// those after `?after=`, and where there may be more, a `Link` to the next page. One that is made between two pages may be in
/// neither.
///
/// # Errors
/// 400 for a limit or an id that is none; 401; 403; 503.
#[utoipa::path(
    get,
    path = "/workspaces",
    operation_id = "list_workspaces",
    params(
        ("limit" = Option<u32>, Query, description = "How many, else all", minimum = 1, maximum = 500),
        ("after" = Option<String>, Query, description = "The last one of the page before"),
    ),
    responses(
        (
            status = 200,
            description = "Oldest first; pages by id",
            body = Vec<openapi::Workspace>,
            headers(("Link" = String, description = "The next page, if there may be one")),
        ),
        Refusals<400, 401, 403, 503>,
    ),
    security(("operator" = [])),
)]
pub(crate) async fn list(platform: Platform, call: Call) -> Result<Reply> {
    platform.operator(&call).await?;
    let (limit, after) = page(&call)?;
    let mut ids = platform.store.workspaces(&platform.config.org).await?;
    ids.sort_unstable();
    ids.retain(|id| after.is_none_or(|after| *id > after));
    let more = limit.is_some_and(|limit| ids.len() > limit);
    ids.truncate(limit.unwrap_or(usize::MAX));
    let mut found = platform.store.look_many(&ids).await?.found;
    found.retain(|(workspace, _)| workspace.status != Status::Removed);
    match limit {
        Some(_) => found.sort_by_key(|(workspace, _)| workspace.id),
        None => found.sort_by_key(|(workspace, _)| (workspace.created_at, workspace.id)),
    }
    let (now, slots) = (platform.now(), Slots::default());
    let shown: Vec<Value> = found
        .iter()
        .map(|(workspace, lease)| view::workspace(workspace, lease.as_ref(), &slots, &platform.config, now))
        .collect();
    let reply = Reply::ok(&shown);
    Ok(match (limit, ids.last()) {
        (Some(limit), Some(last)) if more => {
            reply.header("link", &format!("</workspaces?limit={limit}&after={last}>; rel=\"next\""))
        }
        _ => reply,
    })
}

/// How many are asked for, and after which one.
fn page(call: &Call) -> Result<(Option<usize>, Option<WorkspaceId>)> {
    let given = |name: &str| call.query.get(name).filter(|text| !text.is_empty());
    let after = given("after").map(|text| text.parse()).transpose();
    let after = after.map_err(|_| Problem::bad_request("invalid_query", "after must be the id of a workspace"))?;
    let limit = match given("limit") {
        Some(_) => Some(call.number("limit", 500, 1, 500)?),
        // A page after another one is a page.
        None => after.map(|_| 500),
    };
    Ok((limit.map(|limit| limit as usize), after))
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
