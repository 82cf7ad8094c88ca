//! A message as the API shows it, and who may see it.

use platform::auth::Principal;
use rules::Timestamp;
use rules::message::{Caller, Message, State};
use serde_json::{Value, json};

/// Its sender, its target and operators may look; to anybody else it does not exist.
pub(crate) fn may_see(principal: &Principal, message: &Message) -> bool {
    match principal {
        Principal::Admin | Principal::Org(_) => true,
        Principal::Workspace(id) => *id == message.target || message.caller == Caller::Workspace(*id),
    }
}

/// Its sender and operators may call it off or revive it.
pub(crate) fn may_change(principal: &Principal, message: &Message) -> bool {
    match principal {
        Principal::Admin | Principal::Org(_) => true,
        Principal::Workspace(id) => message.caller == Caller::Workspace(*id),
    }
}

/// The fields that lists show.
pub(crate) fn show(message: &Message) -> Value {
    let time = |at: Option<Timestamp>| at.map(Timestamp::rfc3339);
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
    })
}
