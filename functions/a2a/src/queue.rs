//! `GET /workspaces/{id}/a2a/queue/{queue_id}`.

use platform::auth::Principal;
use platform::store::{BodyKind, Look};
use platform::{Call, Platform, Reply, Result};
use rules::MessageId;
use rules::message::{Caller, Message, State};
use serde_json::{Value, json};

use crate::answer::unknown;

/// 200 with a message's state, attempts, reason, timeline and result. Its sender, its target and operators may look;
/// to anybody else it does not exist.
///
/// # Errors
/// 400, 401, 404.
pub(crate) async fn get(platform: Platform, call: Call) -> Result<Reply> {
    let queue_id: Result<MessageId> = call.id("queue_id");
    let look = queue_id.as_ref().map_or_else(|_| Look::record(), |id| Look::record().message(*id));
    let (principal, _, snapshot) = platform.any_principal(&call, look).await?;
    queue_id?;
    let message = snapshot.message.filter(|message| may_see(&principal, message)).ok_or_else(unknown)?;
    let result = match &message.answer {
        Some(answer) => {
            let body = platform.store.body(message.id, BodyKind::Answer).await?.unwrap_or_default();
            let body = serde_json::from_slice::<Value>(&body)
                .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&body).into_owned()));
            json!({ "status": answer.status, "content_type": answer.content_type, "body": body })
        }
        None => Value::Null,
    };
    Ok(Reply::ok(&show(&message, &result)))
}

fn may_see(principal: &Principal, message: &Message) -> bool {
    match principal {
        Principal::Admin | Principal::Org(_) => true,
        Principal::Workspace(id) => *id == message.target || message.caller == Caller::Workspace(*id),
    }
}

fn show(message: &Message, result: &Value) -> Value {
    let time = |at: Option<rules::Timestamp>| at.map(rules::Timestamp::rfc3339);
    let timeline: Vec<Value> = message
        .timeline
        .iter()
        .map(|step| json!({ "at": step.at.rfc3339(), "what": step.what, "why": step.why }))
        .collect();
    json!({
        "queue_id": message.id,
        "workspace_id": message.target,
        "caller": message.caller.key(),
        "status": message.state,
        "open": !message.state.is_terminal(),
        "reason": message.reason,
        "method": message.method,
        "message_id": message.message_id,
        "context_id": message.context_id,
        "priority": message.priority.number(),
        "attempts": message.attempts,
        "delivered": message.state == State::Delivered || message.answer.is_some(),
        "accepted_at": message.accepted_at.rfc3339(),
        "dispatched_at": time(message.dispatched_at),
        "finished_at": time(message.finished_at),
        "deadline": message.deadline.rfc3339(),
        "not_before": time(message.not_before),
        "timeline": timeline,
        "result": result,
    })
}
