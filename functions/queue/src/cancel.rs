//! `DELETE /workspaces/{id}/a2a/queue/{queue_id}`.

use platform::openapi::Refusals;
use platform::store::Look;
use platform::waiting::Cancelled;
use platform::{Call, Platform, Problem, Reply, Result};
use rules::MessageId;
use serde_json::json;

use crate::openapi;
use crate::show::{may_change, may_see};

/// Calls a message off: 200 `{"status":"cancelled","queue_id","was"}`. One that waits is never delivered; one that an agent
/// has is settled here, the agent is asked to stop, and what it still answers is noted as late. Its sender and operators;
/// repeating it is no error.
///
/// # Errors
/// 400; 401; 403 for its target; 404; 409 `already_ended` with its status.
#[utoipa::path(
    delete,
    path = "/workspaces/{id}/a2a/queue/{queue_id}",
    operation_id = "cancel_message",
    responses(
        (status = 200, description = "Cancelled", body = openapi::Cancelled),
        Refusals<400, 401, 403, 404, 409, 503>,
    ),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn cancel(platform: Platform, call: Call) -> Result<Reply> {
    let queue_id: Result<MessageId> = call.id("queue_id");
    let look = queue_id.as_ref().map_or_else(|_| Look::record(), |id| Look::record().message(*id));
    let (principal, id, snapshot) = platform.any_principal(&call, look).await?;
    let queue_id = queue_id?;
    let seen = snapshot.message.filter(|message| may_see(&principal, message)).ok_or_else(Problem::unknown_message)?;
    if !may_change(&principal, &seen) {
        return Err(Problem::forbidden("not_your_message", "only its sender or an operator may cancel a message"));
    }
    match platform.cancel(id, queue_id, &format!("cancelled by {}", principal.label())).await? {
        Cancelled::Done(message) => {
            Ok(Reply::ok(&json!({ "status": message.state, "queue_id": queue_id, "was": seen.state })))
        }
        Cancelled::Over(message) if message.state == rules::message::State::Cancelled => {
            Ok(Reply::ok(&json!({ "status": message.state, "queue_id": queue_id, "was": message.state })))
        }
        Cancelled::Over(message) => {
            let text = format!("the message is {} already", message.state.as_str());
            Err(Problem::conflict("already_ended", text).with("status", message.state.as_str()))
        }
        Cancelled::Unknown => Err(Problem::unknown_message()),
    }
}
