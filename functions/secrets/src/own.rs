//! `POST`, `PUT /workspaces/{id}/secrets` and `DELETE /workspaces/{id}/secrets/{key}`.

use platform::decide::{Fault, decide};
use platform::openapi::Refusals;
use platform::secrets::SecretOwner;
use platform::store::Look;
use platform::{Call, Platform, Problem, Reply, Result};
use rules::secret::{SecretRecord, SecretScope, is_name, room};
use rules::workspace::Workspace;
use rules::{Status, WorkspaceId};
use serde::Deserialize;
use serde_json::json;

use crate::change::{Change, commit};
use crate::openapi;

/// A secret as it comes. No debug print: it has the value.
#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = NewSecret)]
pub(crate) struct Body {
    #[schema(max_length = 128, pattern = "^[A-Za-z_][A-Za-z0-9_]*$")]
    pub(crate) key: String,
    #[schema(max_length = 65_536)]
    pub(crate) value: String,
}

/// Takes `{"key","value"}`; 200 `{"status":"saved","key"}`. A managed workspace is started anew with it; changes that come
/// together are one restart. The workspace itself or an operator.
///
/// # Errors
/// 400 with the field; 401; 403; 404 for operators; 409 `too_many_secrets`, `secrets_too_large`; 410; 413; 422
/// `reserved_name`, `secrets_not_configured`; 503.
#[utoipa::path(
    post,
    path = "/workspaces/{id}/secrets",
    operation_id = "save_secret",
    request_body = Body,
    responses(
        (status = 200, description = "Stored", body = openapi::Saved),
        Refusals<400, 401, 403, 404, 409, 410, 422, 503>,
    ),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn save(platform: Platform, call: Call) -> Result<Reply> {
    let (_, id, seen) = platform.operator_or_self(&call, Look::record()).await?;
    let body: Body = call.json()?;
    there(seen.workspace)?;
    store(&platform, id, &body.key, &body.value).await?;
    Ok(Reply::ok(&json!({ "status": "saved", "key": body.key })))
}

/// Deletes a secret of the workspace's own: 200 `{"status":"deleted","key"}`. The workspace itself or an operator.
///
/// # Errors
/// 400; 401; 403; 404; 410; 503.
#[utoipa::path(
    delete,
    path = "/workspaces/{id}/secrets/{key}",
    operation_id = "delete_secret",
    responses((status = 200, description = "Deleted", body = openapi::Saved), Refusals<400, 401, 403, 404, 410, 503>),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn delete(platform: Platform, call: Call) -> Result<Reply> {
    let (_, id, seen) = platform.operator_or_self(&call, Look::record()).await?;
    let key = key(&call)?;
    there(seen.workspace)?;
    if !erase(&platform, id, key).await? {
        return Err(unknown());
    }
    Ok(Reply::ok(&json!({ "status": "deleted", "key": key })))
}

/// Stores a secret of a workspace's own.
pub(crate) async fn store(platform: &Platform, id: WorkspaceId, key: &str, value: &str) -> Result<()> {
    let record = platform.seal_secret(SecretOwner::Workspace(id), key, value).await?;
    decide(|| put(platform, id, &record)).await?;
    platform.config_changed(id).await;
    Ok(())
}

async fn put(platform: &Platform, id: WorkspaceId, record: &SecretRecord) -> Result<(), Fault> {
    // The record first: its version tells whether the others moved.
    let workspace = there(platform.store.workspace(id).await?)?;
    let others = platform.store.secrets(id).await?;
    room(&others, record)?;
    let record = record.clone().in_place_of(&others);
    let transaction = platform.store.transaction().put_secret(id, &record);
    commit(platform, &workspace, transaction, Change::Saved, SecretScope::Workspace, &record.key).await
}

/// Deletes a secret of a workspace's own; whether there was one.
pub(crate) async fn erase(platform: &Platform, id: WorkspaceId, key: &str) -> Result<bool> {
    let erased = decide(|| async move {
        let workspace = there(platform.store.workspace(id).await?)?;
        if platform.store.secret(id, key).await?.is_none() {
            return Ok(false);
        }
        let transaction = platform.store.transaction().delete_secret(id, key);
        commit(platform, &workspace, transaction, Change::Deleted, SecretScope::Workspace, key).await?;
        Ok::<_, Fault>(true)
    })
    .await?;
    if erased {
        platform.config_changed(id).await;
    }
    Ok(erased)
}

/// The workspace, if it is not removed.
pub(crate) fn there(workspace: Option<Workspace>) -> Result<Workspace> {
    let workspace = workspace.ok_or_else(Problem::no_workspace)?;
    if workspace.status == Status::Removed { Err(Problem::gone()) } else { Ok(workspace) }
}

/// The key in the path. One that is reserved now may have been stored before.
pub(crate) fn key(call: &Call) -> Result<&str> {
    let key = call.param("key");
    if is_name(key) {
        return Ok(key);
    }
    Err(Problem::bad_request(
        "invalid_id",
        "a key begins with a letter or _, and has at most 128 letters, digits and _",
    ))
}

/// 404 for a key under which nothing is stored.
pub(crate) fn unknown() -> Problem {
    Problem::not_found("secret_unknown", "no secret is stored under that key")
}
