//! A workspace as the API shows it, with its true status.

use rules::lease::{Beat, Lease};
use rules::liveness::{Effective, effective};
use rules::session::Session;
use rules::slots::Slots;
use rules::workspace::Workspace;
use rules::{Timestamp, health};
use serde_json::{Value, json};

use crate::config::Config;

/// The fields of `GET /workspaces/:id`. Operators and the workspace itself see all; the list adds nothing.
pub fn workspace(record: &Workspace, lease: Option<&Lease>, slots: &Slots, config: &Config, now: Timestamp) -> Value {
    let truth = effective(record, lease, now);
    let idle = Beat::default();
    let beat = lease.map(|lease| &lease.beat).or(record.last_beat.as_ref()).unwrap_or(&idle);
    let live = lease.filter(|lease| lease.is_live(now) && truth.status.is_live());
    let health = health::assess(record, lease, slots, &truth, now, config.max_turn);
    let session = Session::of(record, lease, slots, now);
    let mut shown = json!({
        "id": record.id,
        "name": record.name,
        "role": record.role,
        "tier": record.tier,
        "status": truth.status,
        "status_since": truth.since.rfc3339(),
        "status_reasons": reasons(record, &truth),
        "status_reason": truth.reasons.first().map(|reason| reason.code),
        "health": health,
        "url": record.url.as_deref().unwrap_or_default(),
        "parent_id": record.parent_id,
        "runtime": record.runtime,
        "delivery_mode": record.delivery.mode,
        "active_tasks": if live.is_some() { beat.active_tasks } else { 0 },
        "max_concurrent_tasks": record.max_concurrent_tasks,
        "last_error_rate": beat.error_rate,
        "last_sample_error": beat.sample_error,
        "uptime_seconds": beat.uptime_seconds,
        "current_task": beat.current_task,
        "session_age_seconds": session.age_seconds(now),
        "session_queue_id": session.turn.and_then(|turn| turn.message),
        "turn_rung": session.ladder.map(|ladder| ladder.rung),
        "turn_rung_at": session.ladder.map(|ladder| ladder.at.rfc3339()),
        "busy_since": session.busy_since.map(Timestamp::rfc3339),
        "last_heartbeat_at": (beat.at.millis() > 0).then(|| beat.at.rfc3339()),
        "last_register_failure_at": record.register_failure.as_ref().map(|failure| failure.at.rfc3339()),
        "workspace_dir": record.workspace_dir,
        "workspace_access": record.workspace_access,
        "monthly_spend": lease.map_or(0, |lease| lease.monthly_spend).max(record.monthly_spend),
        "budget_limit": record.budget_limit,
        "agent_card": card(record),
        "generation": record.generation,
    });
    if let Value::Object(fields) = &mut shown {
        fields.insert("x".into(), json!(record.x));
        fields.insert("y".into(), json!(record.y));
        fields.insert("collapsed".into(), json!(record.collapsed));
        fields.insert("created_at".into(), json!(record.created_at.rfc3339()));
        fields.insert("updated_at".into(), json!(record.updated_at.rfc3339()));
    }
    shown
}

/// The agent card as JSON, or null.
pub fn card(record: &Workspace) -> Value {
    record.agent_card.as_deref().and_then(|card| serde_json::from_str(card).ok()).unwrap_or(Value::Null)
}

/// The reasons with their hints; the workspace's own id is filled in where a hint names a route.
fn reasons(record: &Workspace, truth: &Effective) -> Vec<Value> {
    let shown = |reason: &rules::reason::StatusReason| {
        let mut shown = reason.to_json();
        shown["hint"] = json!(reason.code.hint().replace("{id}", &record.id.to_string()));
        shown
    };
    truth.reasons.iter().map(shown).collect()
}
