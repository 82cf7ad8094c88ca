//! `POST /admin/workspaces/{id}/reset-credentials`: the way back for an agent that lost its token.

use platform::decide::{Fault, decide};
use platform::openapi::Refusals;
use platform::store::Look;
use platform::{Call, Platform, Problem, Reply, Result};
use rules::Timestamp;
use rules::event::{Event, EventType};
use rules::token::{may_change, one_time_credential};
use serde_json::json;

use crate::issue::first_credential;
use crate::openapi;

/// Answers operators with 200 `{"boot_credential","workspace_id","expires_at","message"}`. Register takes the credential as
/// its bearer, once, within 15 minutes, answers with a new token and revokes the runtime's old ones; until then those hold.
///
/// # Errors
/// 400 a bad id; 401; 403 a workspace's token; 404 unknown; 410 removed.
#[utoipa::path(
    post,
    path = "/admin/workspaces/{id}/reset-credentials",
    operation_id = "reset_credentials",
    responses(
        (status = 200, description = "A credential for one register", body = openapi::Reset),
        Refusals<400, 401, 403, 404, 409, 410, 503>,
    ),
    security(("operator" = [])),
)]
pub(crate) async fn reset_credentials(platform: Platform, call: Call) -> Result<Reply> {
    decide(|| round(&platform, &call)).await
}

async fn round(platform: &Platform, call: &Call) -> Result<Reply, Fault> {
    let (principal, id, seen) = platform.operator_of(call, Look::record().lease()).await?;
    let workspace = seen.workspace.as_ref().ok_or_else(Problem::no_workspace)?;
    may_change(workspace, seen.token.as_ref())?;
    let secret = platform.entropy.secret();
    let boot = one_time_credential(workspace, platform::entropy::digest(&secret), platform.now());
    let expires_at = boot.ends_at.map(Timestamp::rfc3339);
    let payload = json!({ "by": principal.label(), "expires_at": expires_at });
    let event = Event::new(EventType::CredentialsReset, payload);
    first_credential(platform, &seen, workspace, event).issue_boot(&boot).commit().await?;
    let answer = json!({
        "boot_credential": secret,
        "workspace_id": id,
        "expires_at": expires_at,
        "message": "send it once as the bearer of POST /registry/register; the answer has the agent's new token",
    });
    Ok(Reply::ok(&answer).header("cache-control", "no-store"))
}
