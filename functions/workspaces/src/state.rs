//! `GET /workspaces/{id}/state`: what a remote agent polls to learn that it was paused or deleted.

use platform::auth::{Bearer, Principal};
use platform::http::Call;
use platform::openapi::Refusals;
use platform::store::Look;
use platform::{Platform, Problem, Reply, Result};
use rules::Status;
use rules::liveness::effective;
use serde_json::json;

use crate::openapi;

/// 200 `{"workspace_id","status","paused","deleted":false}`. A token that was revoked by its workspace's deletion still
/// reads this one answer, 404 `{"deleted":true}`, so that its agent learns why it is refused elsewhere.
///
/// # Errors
/// 400, 401, 403; 404 with `"deleted":true` for a removed or unknown workspace.
#[utoipa::path(
    get,
    path = "/workspaces/{id}/state",
    operation_id = "get_workspace_state",
    responses(
        (status = 200, description = "What a remote agent polls", body = openapi::State),
        Refusals<400, 401, 403, 404, 503>,
    ),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn state(platform: Platform, call: Call) -> Result<Reply> {
    let bearer = platform.bearer(&call);
    if bearer == Bearer::None {
        return Err(Problem::no_credential());
    }
    let id = match call.workspace_id() {
        Ok(id) => id,
        Err(problem) => return Err(platform.to_callers(&call, problem).await),
    };
    let snapshot = platform.store.look(id, &Look::record().lease().bearer(bearer.digest())).await?;
    let removed = snapshot.workspace.as_ref().is_some_and(|workspace| workspace.status == Status::Removed);
    let was_its_own = snapshot.token.as_ref().is_some_and(|token| token.belongs_to(id));
    if !(removed && was_its_own) {
        match platform.principal(&bearer, snapshot.token.as_ref())? {
            Principal::Workspace(own) if own != id => {
                return Err(Problem::forbidden("not_your_workspace", "the token belongs to another workspace"));
            }
            _ => {}
        }
    }
    let Some(workspace) = &snapshot.workspace else {
        return Err(Problem::no_workspace().with("workspace_id", id.to_string()).with("deleted", true));
    };
    if removed {
        return Err(Problem::not_found("workspace_removed", "the workspace was deleted; stop its agent")
            .with("workspace_id", id.to_string())
            .with("status", Status::Removed.as_str())
            .with("deleted", true));
    }
    let truth = effective(workspace, snapshot.lease.as_ref(), platform.now());
    Ok(Reply::ok(&json!({
        "workspace_id": id,
        "status": truth.status,
        "paused": truth.status == Status::Paused,
        "deleted": false,
    })))
}
