//! `DELETE /workspaces/{id}/tokens/{token_id}`.

use platform::decide::{Fault, decide};
use platform::openapi::{Done, Refusals};
use platform::store::{Look, Snapshot, Transaction};
use platform::{Call, Platform, Problem, Reply, Result};
use rules::TokenId;
use rules::credential::{Token, TokenKind};
use rules::event::{Event, EventType};
use rules::token::may_change;
use serde_json::json;

use crate::issue::change;

/// Answers the workspace itself and operators with 200 `{"status":"revoked"}`; from then on the token is worth nothing, to
/// heartbeats neither. Revoking the last one does not open the workspace to registers without a token:
/// `POST /admin/workspaces/{id}/reset-credentials` is the way back.
///
/// # Errors
/// 400 a bad id; 401; 403 `not_your_workspace`; 404 `token_unknown` for an unknown token, another workspace's, or one that is
/// revoked already; 404 unknown workspace, told to operators; 409 `stale_generation`; 410 removed.
#[utoipa::path(
    delete,
    path = "/workspaces/{id}/tokens/{token_id}",
    operation_id = "revoke_token",
    responses((status = 200, description = "Revoked", body = Done), Refusals<400, 401, 403, 404, 409, 410, 503>),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn revoke(platform: Platform, call: Call) -> Result<Reply> {
    decide(|| round(&platform, &call)).await
}

async fn round(platform: &Platform, call: &Call) -> Result<Reply, Fault> {
    let (principal, id, seen) = platform.operator_or_self(call, Look::record().lease()).await?;
    let token_id: TokenId = call.id("token_id")?;
    let workspace = seen.workspace.as_ref().ok_or_else(Problem::no_workspace)?;
    may_change(workspace, seen.token.as_ref())?;
    let token = platform.store.token_of(id, token_id).await?.ok_or_else(unknown)?;
    let payload = json!({ "token_id": token.id, "kind": token.kind, "by": principal.label() });
    let event = Event::new(EventType::TokenRevoked, payload);
    let transaction = change(platform, workspace, event).revoke_token(&token, platform.now());
    off_the_lease(transaction, &seen, &token).commit().await?;
    Ok(Reply::ok(&json!({ "status": "revoked" })))
}

/// The lease renews by the digests on it without a look at the tokens, so a revoked one must leave it at once.
fn off_the_lease<'a>(transaction: Transaction<'a>, seen: &Snapshot, token: &Token) -> Transaction<'a> {
    let Some(id) = token.workspace_id.filter(|_| token.kind == TokenKind::Instance) else {
        return transaction;
    };
    if seen.lease.as_ref().is_some_and(|lease| lease.digests.contains_key(&token.digest)) {
        transaction.strike_digest(id, &token.digest)
    } else {
        transaction.check_not_admitted(id, &token.digest)
    }
}

/// 404 for a token, of a workspace or of the organisation.
pub(crate) fn unknown() -> Problem {
    Problem::not_found("token_unknown", "no such live token here; list the tokens to see their ids")
}
