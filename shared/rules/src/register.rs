//! What a permitted, well-formed register does to the record.

use serde_json::json;

use crate::delivery::{self, Delivery, DeliveryMode};
use crate::event::{Event, EventType};
use crate::lease::Lease;
use crate::liveness::effective;
use crate::status::Status;
use crate::time::Timestamp;
use crate::transition::{self, Refusal, Trigger};
use crate::workspace::Workspace;

/// What the runtime says about itself. The URL has passed the URL policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The mode it asks for.
    pub mode: Option<DeliveryMode>,
    /// Where it listens; none in poll mode.
    pub url: Option<String>,
    /// Its agent card, as JSON text.
    pub agent_card: String,
}

/// The mode that this call settles, before its URL is looked at.
pub fn delivery(workspace: &Workspace, mode: Option<DeliveryMode>, has_url: bool) -> Delivery {
    delivery::resolve(mode, workspace.delivery, workspace.is_external(), has_url)
}

/// The record after the call, and the events of what changed. The caller raises `version` and writes both in one
/// transaction; when nothing changed (`None`), only the lease is renewed.
///
/// # Errors
/// [`Refusal::Removed`] or [`Refusal::Stopped`].
pub fn apply(
    workspace: &Workspace,
    lease: Option<&Lease>,
    call: Call,
    now: Timestamp,
) -> Result<Option<(Workspace, Vec<Event>)>, Refusal> {
    let before = effective(workspace, lease, now);
    let to = transition::next(Some(before.status), Trigger::Register)?;
    let settled = delivery(workspace, call.mode, call.url.is_some());
    let mut after = workspace.clone();
    let mut events = Vec::new();
    if settled.mode != workspace.delivery.mode {
        let why = if call.mode.is_some() { "explicit" } else { "register without a mode" };
        let payload = json!({ "from": workspace.delivery.mode, "to": settled.mode, "reason": why });
        events.push(Event::new(EventType::DeliveryModeChanged, payload));
    }
    after.delivery = settled;
    if !workspace.url_assigned {
        after.url = call.url;
    }
    after.agent_card = Some(call.agent_card);
    after.register_failure = None;
    after.auth_failure = None;
    after.status = Status::Online;
    after.status_reasons.clear();
    if to.is_some() {
        after.status_since = now;
        events.push(Event::new(
            EventType::WorkspaceOnline,
            json!({
                "url": after.url,
                "delivery_mode": after.delivery.mode,
                "recovered_from": before.status,
            }),
        ));
    } else if after.agent_card != workspace.agent_card {
        events.push(Event::new(EventType::AgentCardUpdated, json!({})));
    }
    Ok((after != *workspace).then_some((after, events)))
}

#[cfg(test)]
mod tests;
