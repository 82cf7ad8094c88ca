//! `POST /workspaces`.

use http::StatusCode;
use platform::decide::{Fault, decide};
use platform::http::base_url;
use platform::openapi::Refusals;
use platform::store::Transaction;
use platform::{Call, Platform, Reply, Result};
use rules::credential::Token;
use rules::event::{Event, EventType};
use rules::message::Priority;
use rules::secret::{SecretRecord, SecretScope};
use rules::workspace::Workspace;
use serde_json::json;

use crate::openapi;
use crate::{connection, new_workspace, tree};

/// Creates a workspace. Operators only.
///
/// Managed: 201 `{"id","status":"provisioning","awareness_namespace","workspace_access"}`. External: 201
/// `{"id","external":true,"status":"awaiting_agent","connection"}`; it claims nothing until its agent calls, and the
/// token in `connection` is shown this once.
///
/// # Errors
/// 400 with the field; 401; 403; 404 `parent_unknown`; 409 `too_many_secrets`; 413 for a secret's value; 422
/// for fields that this release does not keep, `reserved_name`, `secrets_not_configured`.
#[utoipa::path(
    post,
    path = "/workspaces",
    operation_id = "create_workspace",
    request_body = crate::new_workspace::Body,
    responses(
        (status = 201, description = "Created", body = openapi::Created),
        Refusals<400, 401, 403, 404, 409, 422, 503>,
    ),
    security(("operator" = [])),
)]
pub(crate) async fn create(platform: Platform, call: Call) -> Result<Reply> {
    let principal = platform.operator(&call).await?;
    let (workspace, secrets) = new_workspace::read(&platform, &call).await?;
    let token = workspace.is_external().then(|| platform.new_instance_token(&workspace, &principal.label()));
    if let Some(parent) = workspace.parent_id {
        // Before the queue, which would be nobody's; and again with the record.
        decide(|| tree::parent_for(&platform, workspace.id, parent)).await?;
    }
    // The queue first: a workspace without its queue could accept what it cannot keep.
    platform.queues.create(workspace.id, Priority::Task).await?;
    let stored = decide(|| store(&platform, &workspace, &secrets, token.as_ref().map(|(_, token)| token))).await;
    if stored.is_err()
        && let Err(error) = platform.queues.delete_all(workspace.id).await
    {
        tracing::error!(%error, workspace = %workspace.id, "the queue of a workspace that was not stored is left over");
    }
    stored?;
    if platform.runs(&workspace) {
        platform.reconcile_soon(workspace.id).await;
    }
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

async fn store(
    platform: &Platform,
    workspace: &Workspace,
    secrets: &[SecretRecord],
    token: Option<&Token>,
) -> Result<(), Fault> {
    let mut transaction = platform.store.transaction();
    if let Some(parent) = workspace.parent_id {
        // The parent must not be deleted in between, and its delete must not overlook the child.
        let (parent, _) = tree::parent_for(platform, workspace.id, parent).await?;
        transaction = transaction.raise_version(&parent);
    }
    Ok(writes(platform, transaction, workspace, secrets, token).commit().await?)
}

/// A new workspace's record, with all that is written beside it.
pub(crate) fn writes<'a>(
    platform: &'a Platform,
    transaction: Transaction<'a>,
    workspace: &Workspace,
    secrets: &[SecretRecord],
    token: Option<&Token>,
) -> Transaction<'a> {
    let mut transaction = transaction.create_workspace(workspace);
    let event = match token {
        Some(token) => {
            transaction = transaction.issue_token(token);
            Event::new(EventType::WorkspaceAwaitingAgent, json!({ "name": workspace.name, "external": true }))
        }
        None => {
            transaction = platform.expect_start(transaction, workspace);
            let payload = json!({ "name": workspace.name, "tier": workspace.tier, "runtime": workspace.runtime });
            Event::new(EventType::WorkspaceProvisioning, payload)
        }
    };
    let keys: Vec<&str> = secrets.iter().map(|secret| secret.key.as_str()).collect();
    let saved = json!({ "keys": keys, "scope": SecretScope::Workspace });
    let saved = (!keys.is_empty()).then(|| Event::new(EventType::SecretSaved, saved));
    transaction = secrets.iter().fold(transaction, |all, secret| all.put_secret(workspace.id, secret));
    platform.tell(transaction, workspace, [Some(event), saved].into_iter().flatten())
}
