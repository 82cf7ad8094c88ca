//! `GET /workspaces/{id}/a2a/queue/{queue_id}`.

use platform::openapi::Refusals;
use platform::store::{BodyKind, Look};
use platform::{Call, Platform, Problem, Reply, Result};
use rules::MessageId;
use rules::message::{Message, State};
use serde_json::{Value, json};

use crate::openapi;
use crate::show::{may_see, show};

/// 200 with a message's state, position among the open ones, attempts, reason, timeline and result. Its sender, its target
/// and operators may look; to anybody else it does not exist. One whose deadline has passed while it waited ends here,
/// sweep or no sweep.
///
/// # Errors
/// 400, 401, 404.
#[utoipa::path(
    get,
    path = "/workspaces/{id}/a2a/queue/{queue_id}",
    operation_id = "get_message",
    responses(
        (status = 200, description = "All that is known of it", body = openapi::MessageInFull),
        Refusals<400, 401, 404, 503>,
    ),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn get(platform: Platform, call: Call) -> Result<Reply> {
    let queue_id: Result<MessageId> = call.id("queue_id");
    let look = queue_id.as_ref().map_or_else(|_| Look::record(), |id| Look::record().message(*id));
    let (principal, _, snapshot) = platform.any_principal(&call, look).await?;
    queue_id?;
    let message = snapshot.message.filter(|message| may_see(&principal, message));
    let message = settled(&platform, message.ok_or_else(Problem::unknown_message)?).await?;
    let mut shown = show(&message);
    shown["position"] = match message.state {
        State::Queued => json!(platform.store.open_before(message.target, message.id).await?),
        _ => Value::Null,
    };
    shown["traceparent"] = json!(message.trace.as_ref().map(|trace| &trace.parent));
    shown["timeline"] = message
        .timeline
        .iter()
        .map(|step| json!({ "at": step.at.rfc3339(), "what": step.what, "why": step.why }))
        .collect();
    shown["result"] = match &message.answer {
        Some(answer) => {
            let body = platform.store.body(message.id, BodyKind::Answer).await?.unwrap_or_default();
            let body = serde_json::from_slice::<Value>(&body)
                .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&body).into_owned()));
            json!({ "status": answer.status, "content_type": answer.content_type, "body": body })
        }
        None => Value::Null,
    };
    Ok(Reply::ok(&shown))
}

async fn settled(platform: &Platform, message: Message) -> Result<Message> {
    if message.state != State::Queued || message.deadline > platform.now() {
        return Ok(message);
    }
    let reason = "its deadline passed before it could be delivered";
    match platform.end_waiting(message.target, message.id, State::Expired, reason).await? {
        Some(expired) => Ok(expired),
        None => Ok(platform.store.message(message.target, message.id).await?.unwrap_or(message)),
    }
}
