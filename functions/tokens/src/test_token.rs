//! `GET` and `POST /admin/workspaces/{id}/test-token`: a runtime's token for whoever develops one.

use platform::decide::{Fault, decide};
use platform::openapi::Refusals;
use platform::store::Look;
use platform::{Call, Platform, Problem, Reply, Result};
use rules::credential::TokenKind;
use serde_json::json;

use crate::issue::issue;
use crate::openapi;

/// Answers operators in development with 200 `{"auth_token","workspace_id"}`: an instance token of the current generation,
/// which registers and heartbeats.
///
/// # Errors
/// 404 `no_route`, as for any path that does not exist, outside development, whoever asks; 400 a bad id; 401; 403 a
/// workspace's token; 404 unknown; 410 removed; 429 `token_limit` at 50 live tokens.
#[utoipa::path(
    post,
    path = "/admin/workspaces/{id}/test-token",
    operation_id = "mint_test_token",
    responses(
        (status = 200, description = "An instance token; in development only", body = openapi::TestToken),
        Refusals<400, 401, 403, 404, 409, 410, 429, 503>,
    ),
    security(("operator" = [])),
)]
pub(crate) async fn test_token(platform: Platform, call: Call) -> Result<Reply> {
    if !platform.config.development {
        return Err(Problem::no_route());
    }
    decide(|| round(&platform, &call)).await
}

async fn round(platform: &Platform, call: &Call) -> Result<Reply, Fault> {
    let (principal, id, seen) = platform.operator_of(call, Look::record().lease()).await?;
    let workspace = seen.workspace.as_ref().ok_or_else(Problem::no_workspace)?;
    let fresh = issue(platform, &seen, workspace, TokenKind::Instance, None, &principal).await?;
    let answer = json!({ "auth_token": fresh.secret, "workspace_id": id });
    Ok(Reply::ok(&answer).header("cache-control", "no-store"))
}
