//! `POST /workspaces/{id}/collapse`.

use platform::decide::{Fault, decide};
use platform::openapi::Refusals;
use platform::store::Look;
use platform::{Call, Platform, Reply, Result};
use rules::WorkspaceId;
use rules::event::{Event, EventType};
use rules::workspace::Workspace;
use serde_json::json;

use crate::delete::{live_children, remove};
use crate::openapi;
use crate::team::{living, there};

/// Removes the children of a workspace, each with all below it: 200 `{"status":"collapsed","removed":["name"]}`. An
/// operator removes all; the workspace itself only those of its own team, which an expand makes again.
///
/// # Errors
/// 401; 403; 404; 410; 503: repeating it finishes what was begun.
#[utoipa::path(
    post,
    path = "/workspaces/{id}/collapse",
    operation_id = "collapse_workspace",
    responses(
        (status = 200, description = "Who was removed", body = openapi::Collapsed),
        Refusals<400, 401, 403, 404, 409, 410, 503>,
    ),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn collapse(platform: Platform, call: Call) -> Result<Reply> {
    let (principal, id, seen) = platform.operator_or_self(&call, Look::record()).await?;
    let workspace = there(seen.workspace)?;
    let mut children = team(&platform, &workspace).await?;
    if principal.is_operator() {
        let known: Vec<_> = children.iter().map(|child| child.id).collect();
        let others = live_children(&platform, id).await?.into_iter().filter(|child| !known.contains(&child.id));
        children.extend(others);
    }
    let mut names = Vec::with_capacity(children.len());
    for child in children {
        remove(&platform, child.id, true, false).await?;
        names.push(child.name);
    }
    if !names.is_empty() {
        decide(|| tell(&platform, id, &names)).await?;
    }
    Ok(Reply::ok(&json!({ "status": "collapsed", "removed": names })))
}

/// The living members of its team.
async fn team(platform: &Platform, workspace: &Workspace) -> Result<Vec<Workspace>> {
    let mut children = Vec::new();
    for member in &workspace.team {
        children.extend(living(platform, workspace.id, member).await?);
    }
    Ok(children)
}

async fn tell(platform: &Platform, id: WorkspaceId, removed: &[String]) -> Result<(), Fault> {
    let workspace = there(platform.store.workspace(id).await?)?;
    let event = Event::new(EventType::WorkspaceCollapsed, json!({ "removed": removed }));
    let transaction = platform.store.transaction().check_workspace(&workspace);
    Ok(platform.tell(transaction, &workspace, Some(event)).commit().await?)
}
