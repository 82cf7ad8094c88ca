//! `POST /workspaces/{id}/a2a/queue/{queue_id}/replay`.

use http::StatusCode;
use platform::openapi::Refusals;
use platform::store::Look;
use platform::{Call, Platform, Problem, Reply, Result};
use rules::MessageId;
use serde_json::json;

use crate::openapi;
use crate::show::{may_change, may_see};

/// Revives a message that failed, expired or was dropped: 202 `{"queued":true,"queue_id","status","deadline"}`. It keeps its
/// id and its place in its lane, and gets all its attempts and its priority's time to live anew. Its sender and operators.
///
/// # Errors
/// 400; 401; 403 for its target; 404; 409 `not_replayable`; 410 when the workspace was removed.
#[utoipa::path(
    post,
    path = "/workspaces/{id}/a2a/queue/{queue_id}/replay",
    operation_id = "replay_message",
    responses(
        (status = 202, description = "It waits again", body = openapi::Replayed),
        Refusals<400, 401, 403, 404, 409, 410, 503>,
    ),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn replay(platform: Platform, call: Call) -> Result<Reply> {
    let queue_id: Result<MessageId> = call.id("queue_id");
    let look = queue_id.as_ref().map_or_else(|_| Look::record(), |id| Look::record().message(*id));
    let (principal, id, snapshot) = platform.any_principal(&call, look).await?;
    let queue_id = queue_id?;
    let seen = snapshot.message.filter(|message| may_see(&principal, message)).ok_or_else(Problem::unknown_message)?;
    if !may_change(&principal, &seen) {
        return Err(Problem::forbidden("not_your_message", "only its sender or an operator may replay a message"));
    }
    let message = platform.replay(id, queue_id, &principal.label()).await?;
    let body = json!({
        "queued": true,
        "queue_id": queue_id,
        "status": message.state,
        "deadline": message.deadline.rfc3339(),
    });
    Ok(Reply::json(StatusCode::ACCEPTED, &body))
}
