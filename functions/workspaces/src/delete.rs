//! `DELETE /workspaces/{id}`.

use platform::decide::{Fault, decide};
use platform::delivery::end_event;
use platform::openapi::Refusals;
use platform::store::Look;
use platform::{Call, Platform, Problem, Reply, Result};
use rules::event::{Event, EventType};
use rules::message::State;
use rules::transition::{self, Trigger};
use rules::workspace::Workspace;
use rules::{MessageId, Status, WorkspaceId};
use serde_json::{Value, json};

use crate::openapi;

/// Deletes a workspace and all below it. 200 `{"status":"removed","cascade_deleted":n}`; repeating it finishes what an
/// earlier call could not. `?confirm=true` is needed when there are children; `?purge=true` also deletes what is stored
/// about it, except that it was removed. Operators only.
///
/// The tombstone comes first, so that no heartbeat, register or sweep brings back what is being taken apart. Those below go
/// before those above: after a call that was cut off the next one finds all that is left.
///
/// # Errors
/// 401; 403; 404; 409 `confirmation_required` with the children.
#[utoipa::path(
    delete,
    path = "/workspaces/{id}",
    operation_id = "delete_workspace",
    params(
        ("confirm" = Option<bool>, Query, description = "Also if it has children"),
        ("purge" = Option<bool>, Query, description = "Also what is stored about it"),
    ),
    responses(
        (status = 200, description = "Deleted, with all below it", body = openapi::Deleted),
        Refusals<400, 401, 403, 404, 409, 503>,
    ),
    security(("operator" = [])),
)]
pub(crate) async fn delete(platform: Platform, call: Call) -> Result<Reply> {
    platform.operator(&call).await?;
    let root = call.workspace_id()?;
    let (confirmed, purge) = (call.flag("confirm"), call.flag("purge"));
    let cascade = remove(&platform, root, confirmed, purge).await?;
    let status = if purge { "purged" } else { "removed" };
    Ok(Reply::ok(&json!({ "status": status, "cascade_deleted": cascade })))
}

/// Removes a workspace and all below it; how many were removed below it.
///
/// # Errors
/// As for the route.
pub(crate) async fn remove(platform: &Platform, root: WorkspaceId, confirmed: bool, purge: bool) -> Result<usize> {
    let mut cascade = 0;
    let mut next = vec![(root, !confirmed)];
    while let Some((id, entered)) = next.pop() {
        let below = if entered { Vec::new() } else { live_children(platform, id).await? };
        if !below.is_empty() {
            next.push((id, true));
            next.extend(below.iter().map(|child| (child.id, false)));
            continue;
        }
        let removed = decide(|| mark(platform, id, confirmed || id != root)).await?;
        cascade += usize::from(removed && id != root);
        clear(platform, id, purge).await?;
        // Those that were made meanwhile.
        next.extend(live_children(platform, id).await?.iter().map(|child| (child.id, false)));
    }
    Ok(cascade)
}

fn confirmation(children: &[Workspace]) -> Problem {
    let named: Vec<Value> = children.iter().map(|child| json!({ "id": child.id, "name": child.name })).collect();
    Problem::conflict(
        "confirmation_required",
        "the workspace has children; repeat with ?confirm=true to delete them too",
    )
    .with("status", "confirmation_required")
    .with("message", "the workspace has children; repeat with ?confirm=true to delete them too")
    .with("children_count", named.len())
    .with("children", named)
}

/// The direct children.
pub(crate) async fn live_children(platform: &Platform, id: WorkspaceId) -> Result<Vec<Workspace>> {
    let ids = platform.store.children(&platform.config.org, Some(id)).await?;
    let found = platform.store.look_many(&ids).await?.all()?;
    Ok(found.into_iter().map(|(child, _)| child).filter(|child| child.status != Status::Removed).collect())
}

/// Tombstone, lease and event in one transaction. False when it was removed before. The children are looked at after the
/// record, whose version rises with each new one: none goes unconfirmed.
async fn mark(platform: &Platform, id: WorkspaceId, confirmed: bool) -> Result<bool, Fault> {
    let workspace = platform.store.workspace(id).await?.ok_or_else(Problem::no_workspace)?;
    let Some(status) = transition::next(Some(workspace.status), Trigger::Remove)? else { return Ok(false) };
    if !confirmed {
        let children = live_children(platform, id).await?;
        if !children.is_empty() {
            return Err(confirmation(&children).into());
        }
    }
    let now = platform.now();
    let after = Workspace { bootstrap_open: false, ..workspace.moved(status, Vec::new(), now) };
    let transaction = platform.store.transaction().put_workspace(&after).delete_lease(id).delete_slots(id);
    let transaction = match platform.runs(&after) {
        // Until all that runs of it is stopped and all that it stored is removed.
        true => transaction.expect_provisioned(id, now),
        false => transaction.provisioned(id),
    };
    let event = Event::new(EventType::WorkspaceRemoved, json!({ "name": after.name }));
    platform.tell(transaction, &after, Some(event)).commit().await?;
    Ok(true)
}

/// Revokes its tokens, ends its open messages, deletes its schedules, secrets and queues. Each step may be repeated.
async fn clear(platform: &Platform, id: WorkspaceId, purge: bool) -> Result<()> {
    for token in platform.store.tokens_of(id).await? {
        let revoked = platform.store.transaction().revoke_token(&token, platform.now()).commit().await;
        revoked.or_else(|error| match Fault::from(error) {
            Fault::Moved => Ok(()),
            Fault::Problem(problem) => Err(problem),
        })?;
    }
    for message in platform.store.open(id).await? {
        decide(|| drop_message(platform, id, message.id)).await?;
    }
    platform.delete_schedules(id).await?;
    platform.store.delete_secrets(id).await?;
    platform.reconcile_soon(id).await;
    platform.queues.delete_all(id).await?;
    if purge {
        platform.store.purge(id).await?;
        decide(|| forget(platform, id)).await?;
    }
    Ok(())
}

/// Its record keeps that it was removed, and nothing that anybody wrote.
async fn forget(platform: &Platform, id: WorkspaceId) -> Result<(), Fault> {
    let Some(workspace) = platform.store.workspace(id).await? else { return Ok(()) };
    let purged = workspace.purged(platform.now());
    Ok(platform.store.transaction().put_workspace(&purged).commit().await?)
}

async fn drop_message(platform: &Platform, id: WorkspaceId, message: MessageId) -> Result<(), Fault> {
    let snapshot = platform.store.look(id, &Look::record().message(message)).await?;
    let (Some(workspace), Some(mut message)) = (snapshot.workspace, snapshot.message) else { return Ok(()) };
    if message.state.is_terminal() {
        return Ok(());
    }
    message.finish(platform.now(), State::Dropped, "the workspace was removed");
    message.version += 1;
    let transaction = platform.store.transaction().put_message(&message, platform.config.retention);
    let transaction = platform.tell(transaction, &workspace, end_event(&message));
    Ok(platform.stitch(transaction, &workspace, &message, None).await?.commit().await?)
}
