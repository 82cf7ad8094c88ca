//! `POST /registry/check-access`: may one workspace talk to another?

use platform::auth::Principal;
use platform::openapi::Refusals;
use platform::store::Look;
use platform::{Call, Platform, Problem, Reply, Result};
use rules::WorkspaceId;
use rules::access::{Party, can_communicate};
use serde::Deserialize;
use serde_json::json;

use crate::openapi;

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = AccessQuestion)]
struct Body {
    #[schema(format = Uuid)]
    caller_id: String,
    #[schema(format = Uuid)]
    target_id: String,
}

/// Caller and target.
fn pair(call: &Call) -> Result<(WorkspaceId, WorkspaceId)> {
    let body: Body = call.json()?;
    let id = |text: &str, problem| text.parse().map_err(|_| Problem::bad_request("invalid_id", problem));
    let caller = id(&body.caller_id, "caller_id must be a UUID")?;
    Ok((caller, id(&body.target_id, "target_id must be a UUID")?))
}

/// Takes `{"caller_id","target_id"}` from the caller itself or an operator; answers 200 `{"allowed":bool}`. Whoever is
/// unknown, removed or of another organisation is not allowed. It tells nobody else, or it would map the tree for everyone.
///
/// # Errors
/// 400 malformed; 401; 403 `not_your_workspace` when `caller_id` is not the token's workspace.
#[utoipa::path(
    post,
    path = "/registry/check-access",
    operation_id = "check_access",
    request_body = Body,
    responses(
        (status = 200, description = "Whether they may talk", body = openapi::Access),
        Refusals<400, 401, 403, 503>,
    ),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn check_access(platform: Platform, call: Call) -> Result<Reply> {
    let pair = pair(&call);
    let look = Look::record().other(pair.as_ref().ok().map(|(_, target)| *target));
    let (principal, caller, seen) = platform.principal_at(&call, pair.map(|(caller, _)| caller), look).await?;
    if matches!(principal, Principal::Workspace(own) if own != caller) {
        return Err(Problem::forbidden("not_your_workspace", "ask for your own workspace: caller_id must be its id"));
    }
    let (from, to) = (seen.workspace.as_ref().map(Party::from), seen.other.as_ref().map(Party::from));
    Ok(Reply::ok(&json!({ "allowed": can_communicate(from.as_ref(), to.as_ref()) })))
}
