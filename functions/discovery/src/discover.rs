//! `GET /registry/discover/{id}`: where to reach one peer.

use lambda_http::http::StatusCode;
use platform::auth::Principal;
use platform::http::{base_url, hub_url};
use platform::openapi::Refusals;
use platform::store::Look;
use platform::{Call, Platform, Problem, Reply, Result};
use rules::access::{Party, Sight, sight};
use rules::liveness::effective;
use rules::workspace::Workspace;
use rules::{Status, WorkspaceId};
use serde_json::json;

use crate::openapi;

/// Takes the asking workspace in `X-Workspace-ID`, with its own token or an operator's; answers 200 `{"id","url","name",
/// "status","delivery_mode"}`. `url` is the hub's; operators see the agent's own beside it as `direct_url`. A peer that is
/// merely offline is answered with its status: the hub queues for it.
///
/// # Errors
/// 400 no or a bad `X-Workspace-ID`; 401; 403 `invalid_caller` for a name of the platform's own, `not_your_workspace` for another workspace's token, or `access_denied`, which
/// workspaces hear of the unknown too; 404 unknown, told to operators; 410 removed; 503 `workspace_stopped` with `status`
/// for one that is paused or hibernated.
#[utoipa::path(
    get,
    path = "/registry/discover/{id}",
    operation_id = "discover",
    params(("X-Workspace-ID" = rules::WorkspaceId, Header, description = "The workspace that asks")),
    responses(
        (status = 200, description = "Where it is reached", body = openapi::Peer),
        Refusals<400, 401, 403, 404, 410, 503>,
    ),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn discover(platform: Platform, call: Call) -> Result<Reply> {
    let claimed = caller(&call);
    let look = Look::record().lease().other(claimed.as_ref().ok().copied());
    let (principal, _, seen) = platform.any_principal(&call, look).await?;
    speaks_for(&principal, claimed?, seen.other.as_ref())?;
    let peer = visible(&principal, seen.other.as_ref(), seen.workspace.as_ref())?;
    let status = effective(peer, seen.lease.as_ref(), platform.now()).status;
    if status.is_stopped() {
        return Err(stopped(status));
    }
    let mut answer = json!({
        "id": peer.id,
        "url": hub_url(&base_url(&call, &platform.config), peer.id),
        "name": peer.name,
        "status": status,
        "delivery_mode": peer.delivery.mode,
    });
    if principal.is_operator() {
        answer["direct_url"] = json!(peer.url);
    }
    Ok(Reply::ok(&answer))
}

/// Who asks, as it says itself.
fn caller(call: &Call) -> Result<WorkspaceId> {
    call.named_workspace()?.ok_or_else(|| {
        Problem::bad_request("missing_workspace_id", "say who asks: X-Workspace-ID: <id of the asking workspace>")
    })
}

/// The principal is the caller itself, still there, or an operator in its place.
pub(crate) fn speaks_for(principal: &Principal, caller: WorkspaceId, record: Option<&Workspace>) -> Result<()> {
    match principal {
        Principal::Workspace(own) if *own != caller => {
            Err(Problem::forbidden("not_your_workspace", "the token belongs to another workspace than X-Workspace-ID"))
        }
        Principal::Workspace(_) if record.is_none_or(|record| record.status == Status::Removed) => {
            Err(Problem::bad_credential())
        }
        _ => Ok(()),
    }
}

/// The peer, if the caller may know of it.
pub(crate) fn visible<'a>(
    principal: &Principal,
    caller: Option<&Workspace>,
    peer: Option<&'a Workspace>,
) -> Result<&'a Workspace> {
    let (from, to) = (caller.map(Party::from), peer.map(Party::from));
    match (sight(from.as_ref(), to.as_ref()), peer) {
        (Sight::Seen(_), Some(peer)) => Ok(peer),
        (_, None) if principal.is_operator() => Err(Problem::no_workspace()),
        (_, Some(peer)) if principal.is_operator() && peer.status == Status::Removed => Err(Problem::gone()),
        (Sight::Removed, _) => Err(Problem::gone()),
        _ => Err(Problem::forbidden(
            "access_denied",
            "a workspace may reach itself, its siblings, its parent and its children only",
        )),
    }
}

fn stopped(status: Status) -> Problem {
    let message = format!("the workspace is {status}; an operator must start it before it can be reached");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "workspace_stopped", message)
        .with("status", status.as_str())
        .retry_after(60)
}
