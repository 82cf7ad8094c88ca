//! `POST /workspaces`.

use http::StatusCode;
use platform::decide::{Fault, decide};
use platform::http::base_url;
use platform::{Call, Platform, Reply, Result};
use rules::credential::Token;
use rules::event::{Event, EventType};
use rules::message::Priority;
use rules::workspace::Workspace;
use serde_json::json;

use crate::{connection, new_workspace, tree};

/// Creates a workspace. Operators only.
///
/// Managed: 201 `{"id","status":"provisioning","awareness_namespace","workspace_access"}`. External: 201
/// `{"id","external":true,"status":"awaiting_agent","connection"}`; it claims nothing until its agent calls, and the
/// token in `connection` is shown this once.
///
/// # Errors
/// 400 with the field; 401; 403; 404 `parent_unknown`; 422 for fields that this release does not keep.
pub(crate) async fn create(platform: Platform, call: Call) -> Result<Reply> {
    let principal = platform.operator(&call).await?;
    let workspace = new_workspace::read(&platform, &call).await?;
    let token = workspace.is_external().then(|| platform.new_instance_token(&workspace, &principal.label()));
    if let Some(parent) = workspace.parent_id {
        // Before the queue, which would be nobody's; and again with the record.
        decide(|| tree::parent_for(&platform, workspace.id, parent)).await?;
    }
    // The queue first: a workspace without its queue could accept what it cannot keep.
    platform.queues.create(workspace.id, Priority::Task).await?;
    let stored = decide(|| store(&platform, &workspace, token.as_ref().map(|(_, token)| token))).await;
    if stored.is_err()
        && let Err(error) = platform.queues.delete_all(workspace.id).await
    {
        tracing::error!(%error, workspace = %workspace.id, "the queue of a workspace that was not stored is left over");
    }
    stored?;
    let answer = match token {
        Some((secret, _)) => json!({
            "id": workspace.id,
            "external": true,
            "status": workspace.status,
            "delivery_mode": workspace.delivery.mode,
            "connection": connection::describe(&workspace, &base_url(&call, &platform.config), &secret),
        }),
        None => json!({
            "id": workspace.id,
            "status": workspace.status,
            "awareness_namespace": format!("workspace:{}", workspace.id),
            "workspace_access": workspace.workspace_access,
        }),
    };
    Ok(Reply::json(StatusCode::CREATED, &answer).header("cache-control", "no-store"))
}

async fn store(platform: &Platform, workspace: &Workspace, token: Option<&Token>) -> Result<(), Fault> {
    let mut transaction = platform.store.transaction().create_workspace(workspace);
    if let Some(parent) = workspace.parent_id {
        // The parent must not be deleted in between, and its delete must not overlook the child.
        let (parent, _) = tree::parent_for(platform, workspace.id, parent).await?;
        transaction = transaction.raise_version(&parent);
    }
    let event = match token {
        Some(token) => {
            transaction = transaction.issue_token(token);
            Event::new(EventType::WorkspaceAwaitingAgent, json!({ "name": workspace.name, "external": true }))
        }
        None => {
            let due = workspace.created_at + platform.config.provision_timeout;
            transaction = transaction.expect_provisioned(workspace.id, due);
            let payload = json!({ "name": workspace.name, "tier": workspace.tier, "runtime": workspace.runtime });
            Event::new(EventType::WorkspaceProvisioning, payload)
        }
    };
    Ok(platform.tell(transaction, workspace, Some(event)).commit().await?)
}
