//! `DELETE /org/tokens/{token_id}`.

use platform::decide::{Fault, decide};
use platform::openapi::Refusals;
use platform::{Call, Platform, Reply, Result};
use rules::TokenId;
use serde_json::json;

use crate::openapi;
use crate::revoke::unknown;

/// Answers operators with 200 `{"revoked":"<id>"}`. An org token may revoke itself.
///
/// # Errors
/// 400 a bad id; 401; 403 a workspace's token; 404 `token_unknown` for an unknown token or one that is revoked already.
#[utoipa::path(
    delete,
    path = "/org/tokens/{token_id}",
    operation_id = "revoke_org_token",
    responses((status = 200, description = "Revoked", body = openapi::Revoked), Refusals<400, 401, 403, 404, 503>),
    security(("operator" = [])),
)]
pub(crate) async fn revoke(platform: Platform, call: Call) -> Result<Reply> {
    decide(|| round(&platform, &call)).await
}

async fn round(platform: &Platform, call: &Call) -> Result<Reply, Fault> {
    let principal = platform.operator(call).await?;
    let id: TokenId = call.id("token_id")?;
    let token = platform.store.org_token(&platform.config.org, id).await?.ok_or_else(unknown)?;
    platform.store.transaction().revoke_token(&token, platform.now()).commit().await?;
    tracing::info!(token = %id, by = %principal.label(), "org token revoked");
    Ok(Reply::ok(&json!({ "revoked": id })))
}
