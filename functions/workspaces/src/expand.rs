//! `POST /workspaces/{id}/expand`.

use platform::decide::{Fault, decide};
use platform::http::Object;
use platform::openapi::Refusals;
use platform::store::Look;
use platform::{Call, Platform, Problem, Reply, Result};
use rules::event::{Event, EventType};
use rules::message::Priority;
use rules::team::{Member, renewed};
use rules::workspace::Workspace;
use rules::{Status, WorkspaceId};
use serde::Deserialize;
use serde_json::json;

use crate::delete::live_children;
use crate::openapi;
use crate::team::{Given, living, read, there};
use crate::{create, new_workspace, tree};

#[derive(Default, Deserialize, utoipa::ToSchema)]
#[schema(as = Expansion)]
struct Body {
    #[serde(default)]
    #[schema(value_type = Option<Vec<Given>>, max_items = 20)]
    sub_workspaces: Option<Vec<Object<Given>>>,
}

/// Makes the sub-workspaces of a workspace that are not there yet, below it: 200
/// `{"status":"expanded","children":[{"id","name","role"}]}`, all of them. Repeating it, or doing it twice at once, makes none
/// twice. An operator may give `{"sub_workspaces":[{"name","role","tier","runtime","model","command",
/// "max_concurrent_tasks","hibernation_idle_minutes"}]}`, which are kept; without, those that were given before are made.
/// The workspace itself may only make what an operator gave it.
///
/// # Errors
/// 400 with the field, or `no_sub_workspaces`; 401; 403; 404; 409 `ancestor_paused`, `sub_workspaces_changed`; 410; 422 `tree_too_deep`; 503, and then
/// repeating it makes the rest.
#[utoipa::path(
    post,
    path = "/workspaces/{id}/expand",
    operation_id = "expand_workspace",
    request_body = Option<Body>,
    responses(
        (status = 200, description = "All of its sub-workspaces", body = openapi::Expanded),
        Refusals<400, 401, 403, 404, 409, 410, 422, 503>,
    ),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn expand(platform: Platform, call: Call) -> Result<Reply> {
    let (principal, id, seen) = platform.operator_or_self(&call, Look::record()).await?;
    let body = if call.body.is_empty() { Body::default() } else { call.json::<Object<Body>>()?.0 };
    let given = body.sub_workspaces.map(read).transpose()?;
    if given.is_some() && !principal.is_operator() {
        let text =
            "only an operator says which sub-workspaces there are; leave sub_workspaces out to make those it gave";
        return Err(Problem::forbidden("operators_only", text).with("field", "sub_workspaces"));
    }
    let workspace = there(seen.workspace)?;
    if workspace.status == Status::Paused || platform.has_paused_ancestor(&workspace).await? {
        return Err(rules::transition::Refusal::PausedAncestor.into());
    }
    let team = match given {
        Some(given) => decide(|| keep(&platform, id, &given)).await?,
        None => workspace.team,
    };
    if team.is_empty() {
        let text = "it has no sub_workspaces; an operator gives them here or with POST /workspaces";
        return Err(Problem::bad_request("no_sub_workspaces", text));
    }
    let mut children = Vec::with_capacity(team.len());
    let mut made = Vec::new();
    for member in &team {
        let child = match living(&platform, id, member).await? {
            Some(child) => child,
            None => {
                let (child, new) = make(&platform, id, member).await?;
                made.extend(new.then_some(child.id));
                child
            }
        };
        children.push(json!({ "id": child.id, "name": child.name, "role": child.role }));
    }
    if !made.is_empty() {
        decide(|| tell(&platform, id, &made)).await?;
    }
    Ok(Reply::ok(&json!({ "status": "expanded", "children": children })))
}

/// What an operator gives is kept, so that it can be made again.
async fn keep(platform: &Platform, id: WorkspaceId, given: &[Member]) -> Result<Vec<Member>, Fault> {
    let workspace = there(platform.store.workspace(id).await?)?;
    let team = renewed(&workspace.team, given.to_vec());
    if team != workspace.team {
        let (version, updated_at) = (workspace.version + 1, platform.now());
        let after = Workspace { team: team.clone(), version, updated_at, ..workspace };
        platform.store.transaction().put_workspace(&after).commit().await?;
    }
    Ok(team)
}

/// The child that is this member, and whether it was made just now.
async fn make(platform: &Platform, parent: WorkspaceId, member: &Member) -> Result<(Workspace, bool)> {
    let above = there(platform.store.workspace(parent).await?)?;
    let same = live_children(platform, parent).await?.into_iter().find(|child| child.name == member.name);
    let child = match &same {
        Some(child) => child.clone(),
        None => new_workspace::member(platform, &above, member)?,
    };
    if same.is_none() {
        // As with every new workspace: the queue first.
        platform.queues.create(child.id, Priority::Task).await?;
    }
    let stored = decide(|| store(platform, parent, &child, same.is_none())).await;
    if same.is_none()
        && !matches!(stored, Ok(None))
        && let Err(error) = platform.queues.delete_all(child.id).await
    {
        tracing::error!(%error, workspace = %child.id, "the queue of a workspace that was not stored is left over");
    }
    if let Some(before) = stored? {
        return Ok((before, false));
    }
    if same.is_none() && platform.runs(&child) {
        platform.reconcile_soon(child.id).await;
    }
    Ok((child, same.is_none()))
}

/// The member's place in its parent's team, and its own record if it is new, in one transaction. The workspace that has the
/// place already, if another was first.
async fn store(
    platform: &Platform,
    parent: WorkspaceId,
    child: &Workspace,
    new: bool,
) -> Result<Option<Workspace>, Fault> {
    let (above, _) = tree::parent_for(platform, child.id, parent).await?;
    let mut after = above;
    after.version += 1;
    after.updated_at = platform.now();
    let Some(place) = after.team.iter_mut().find(|member| member.name == child.name) else {
        let text = "the sub_workspaces were changed meanwhile; repeat the call";
        return Err(Problem::conflict("sub_workspaces_changed", text).into());
    };
    if let Some(before) = living(platform, parent, place).await? {
        return Ok(Some(before));
    }
    place.id = Some(child.id);
    let transaction = platform.store.transaction().put_workspace(&after);
    let transaction = if new { create::writes(platform, transaction, child, &[], None) } else { transaction };
    transaction.commit().await?;
    Ok(None)
}

async fn tell(platform: &Platform, id: WorkspaceId, made: &[WorkspaceId]) -> Result<(), Fault> {
    let workspace = there(platform.store.workspace(id).await?)?;
    let event = Event::new(EventType::WorkspaceExpanded, json!({ "children": made }));
    let transaction = platform.store.transaction().check_workspace(&workspace);
    Ok(platform.tell(transaction, &workspace, Some(event)).commit().await?)
}
