//! `GET /workspaces/{id}/secrets`, `GET /settings/secrets`.

use platform::openapi::Refusals;
use platform::store::Look;
use platform::{Call, Platform, Reply, Result};
use rules::secret::{SecretRecord, SecretScope, merge};
use serde_json::{Value, json};

use crate::openapi;
use crate::own::there;

/// What the workspace's runtime gets, by key, never a value: 200
/// `[{"key","has_value":true,"scope":"workspace|global","created_at","updated_at"}]`; its own shadow the organisation's.
/// The workspace itself or an operator.
///
/// # Errors
/// 400; 401; 403; 404 for operators; 410; 503.
#[utoipa::path(
    get,
    path = "/workspaces/{id}/secrets",
    operation_id = "list_secrets",
    responses(
        (status = 200, description = "By key, never a value", body = Vec<openapi::Secret>),
        Refusals<400, 401, 403, 404, 410, 503>,
    ),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn of_workspace(platform: Platform, call: Call) -> Result<Reply> {
    let (_, id, seen) = platform.operator_or_self(&call, Look::record()).await?;
    let workspace = there(seen.workspace)?;
    let global = platform.store.org_secrets(&workspace.org).await?;
    let merged = merge(global, platform.store.secrets(id).await?);
    Ok(Reply::ok(&merged.values().map(|(scope, record)| shown(*scope, record)).collect::<Vec<_>>()))
}

/// The organisation's secrets, in the same form. Operators only.
///
/// # Errors
/// 401; 403; 503.
#[utoipa::path(
    get,
    path = "/settings/secrets",
    operation_id = "list_global_secrets",
    responses(
        (status = 200, description = "By key, never a value", body = Vec<openapi::Secret>),
        Refusals<401, 403, 503>,
    ),
    security(("operator" = [])),
)]
pub(crate) async fn of_org(platform: Platform, call: Call) -> Result<Reply> {
    platform.operator(&call).await?;
    let records = platform.store.org_secrets(&platform.config.org).await?;
    Ok(Reply::ok(&records.iter().map(|record| shown(SecretScope::Global, record)).collect::<Vec<_>>()))
}

fn shown(scope: SecretScope, record: &SecretRecord) -> Value {
    json!({
        "key": record.key,
        "has_value": true,
        "scope": scope,
        "created_at": record.created_at.rfc3339(),
        "updated_at": record.updated_at.rfc3339(),
    })
}
