//! `POST`, `PUT /settings/secrets`, `DELETE /settings/secrets/{key}`, and the same below `/admin`.

use platform::decide::{Fault, decide};
use platform::openapi::Refusals;
use platform::secrets::SecretOwner;
use platform::{Call, Platform, Reply, Result};
use rules::secret::{SecretRecord, room};
use serde_json::json;

use crate::change::Change;
use crate::openapi;
use crate::own::{Body, key, unknown};
use crate::spread::spread;

/// Takes `{"key","value"}`, for every workspace that has no secret of its own by that key; 200
/// `{"status":"saved","key","scope":"global"}`. Those that run are started anew with it. Operators only.
///
/// # Errors
/// 400 with the field; 401; 403; 409 `too_many_secrets`, `secrets_too_large`; 413; 422 `reserved_name`,
/// `secrets_not_configured`; 503.
#[utoipa::path(
    post,
    path = "/settings/secrets",
    operation_id = "save_global_secret",
    request_body = Body,
    responses((status = 200, description = "Stored", body = openapi::Saved), Refusals<400, 401, 403, 409, 422, 503>),
    security(("operator" = [])),
)]
pub(crate) async fn save(platform: Platform, call: Call) -> Result<Reply> {
    platform.operator(&call).await?;
    let Body { key, value } = call.json()?;
    let org = platform.config.org.as_str();
    let record = platform.seal_secret(SecretOwner::Org(org), &key, &value).await?;
    decide(|| put(&platform, org, &record)).await?;
    spread(&platform, org, &key, Change::Saved).await?;
    Ok(Reply::ok(&json!({ "status": "saved", "key": key, "scope": "global" })))
}

/// Deletes one: 200 `{"status":"deleted","key","scope":"global"}`. Operators only.
///
/// # Errors
/// 400; 401; 403; 404; 503.
#[utoipa::path(
    delete,
    path = "/settings/secrets/{key}",
    operation_id = "delete_global_secret",
    responses((status = 200, description = "Deleted", body = openapi::Saved), Refusals<400, 401, 403, 404, 503>),
    security(("operator" = [])),
)]
pub(crate) async fn delete(platform: Platform, call: Call) -> Result<Reply> {
    platform.operator(&call).await?;
    let key = key(&call)?;
    let org = platform.config.org.as_str();
    decide(|| erase(&platform, org, key)).await?;
    spread(&platform, org, key, Change::Deleted).await?;
    Ok(Reply::ok(&json!({ "status": "deleted", "key": key, "scope": "global" })))
}

async fn put(platform: &Platform, org: &str, record: &SecretRecord) -> Result<(), Fault> {
    let changes = platform.store.org_secret_changes(org).await?;
    let others = platform.store.org_secrets(org).await?;
    room(&others, record)?;
    let record = record.clone().in_place_of(&others);
    Ok(platform.store.transaction().put_org_secret(org, &record, changes).commit().await?)
}

async fn erase(platform: &Platform, org: &str, key: &str) -> Result<(), Fault> {
    let changes = platform.store.org_secret_changes(org).await?;
    platform.store.org_secret(org, key).await?.ok_or_else(unknown)?;
    Ok(platform.store.transaction().delete_org_secret(org, key, changes).commit().await?)
}
