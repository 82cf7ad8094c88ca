//! Schedules and fires as the API shows them.

use rules::Timestamp;
use rules::schedule::{Fire, Outcome, Schedule};
use serde_json::{Value, json};

use crate::around::Around;

/// The words of existing clients: `ok`, `error`, or the outcome.
pub(crate) fn status(outcome: Option<Outcome>) -> &'static str {
    match outcome {
        None => "",
        Some(Outcome::Fired) => "ok",
        Some(Outcome::Failed) => "error",
        Some(other) => other.as_str(),
    }
}

/// What its own health is: without prompt and expression, for relatives too.
pub(crate) fn health(schedule: &Schedule, around: &Around<'_>, now: Timestamp) -> Value {
    let starving = schedule.starving_since().map(|since| {
        json!({
            "since": since.rfc3339(),
            "count": schedule.consecutive_not_fired(),
            "blocked_by": around.blocked.as_deref().unwrap_or("nothing now: its turn is next"),
        })
    });
    let pending = schedule.waiting();
    let mut shown = json!({
        "id": schedule.id,
        "name": schedule.name,
        "enabled": schedule.enabled,
        "last_run_at": schedule.last_run_at.map(Timestamp::rfc3339),
        "next_run_at": schedule.due().map(Timestamp::rfc3339),
        "run_count": schedule.run_count,
        "last_status": status(schedule.last_status),
        "last_error": schedule.last_error.as_deref().unwrap_or_default(),
        "consecutive_not_fired": schedule.consecutive_not_fired(),
        "consecutive_bounced": schedule.consecutive_not_fired(),
        "pending_queue_id": pending.map(|open| open.queue_id),
        "pending_since": pending.map(|open| open.nominal.rfc3339()),
        "running_queue_id": schedule.running().map(|open| open.queue_id),
        "starving": starving,
        "coverage_24h": schedule.tally.day(now),
        "coverage_7d": schedule.tally.week(now),
    });
    let session = &around.session;
    shown["busy_since"] = json!(session.busy_since.map(Timestamp::rfc3339));
    shown["session_age_seconds"] = json!(session.age_seconds(now));
    shown["turn_rung"] = json!(session.ladder.map(|ladder| ladder.rung));
    shown
}

/// All of it, for operators and the workspace itself.
pub(crate) fn schedule(schedule: &Schedule, prompt: &str, around: &Around<'_>, now: Timestamp) -> Value {
    let mut shown = health(schedule, around, now);
    let more = json!({
        "workspace_id": schedule.workspace_id,
        "cron_expr": schedule.cron_expr,
        "timezone": schedule.timezone,
        "prompt": prompt,
        "overlap": schedule.policy.overlap,
        "catchup": schedule.policy.catchup,
        "jitter_seconds": schedule.policy.jitter_seconds,
        "deadline_seconds": schedule.policy.deadline_seconds,
        "source": schedule.source,
        "revision": schedule.revision,
        "prompt_revision": schedule.prompt_revision,
        "created_at": schedule.created_at.rfc3339(),
        "updated_at": schedule.updated_at.rfc3339(),
    });
    if let (Value::Object(shown), Value::Object(more)) = (&mut shown, more) {
        shown.extend(more);
    }
    shown
}

/// A row of the ledger, with the names of existing clients beside its own.
pub(crate) fn fire(fire: &Fire, schedule: &Schedule, now: Timestamp) -> Value {
    let millis = |length: Option<std::time::Duration>| length.map(|length| length.as_millis());
    let mut shown = json!({
        "timestamp": fire.placed_at.rfc3339(),
        "duration_ms": millis(fire.duration(now)),
        "status": status(Some(fire.outcome)),
        "error_detail": fire.reason,
        "request": { "schedule_id": schedule.id, "schedule_name": schedule.name, "cron_expr": schedule.cron_expr },
        "outcome": fire.outcome,
        "reason": fire.reason,
        "nominal": fire.nominal.rfc3339(),
        "trigger": fire.trigger,
        "lateness_ms": fire.lateness().as_millis(),
        "wait_ms": millis(fire.wait(now)),
        "started_at": fire.started_at.map(Timestamp::rfc3339),
        "finished_at": fire.finished_at.map(Timestamp::rfc3339),
        "queue_id": fire.queue_id,
        "preview": fire.preview,
        "prompt_revision": fire.prompt_revision,
        "memories": fire.memories,
    });
    if fire.count > 1 {
        shown["from"] = json!(fire.nominal.rfc3339());
        shown["to"] = json!(fire.to.rfc3339());
    }
    shown["count"] = json!(fire.count);
    shown
}
