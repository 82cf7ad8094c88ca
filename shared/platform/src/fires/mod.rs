//! The fires of schedules: found when they are due, placed once, followed to their end.

mod delete;
mod due;
mod follow;
mod place;
mod queue;
mod run;
mod turn;

pub use run::unknown_schedule;
pub use turn::Given;

use rules::event::{Event, EventType};
use rules::schedule::{Fire, Outcome, Schedule};
use serde_json::json;

/// The event of a fire that was settled. A schedule that is gone has no name.
pub fn settled(fire: &Fire, schedule: Option<&Schedule>) -> Event {
    let kind = match fire.outcome {
        Outcome::Skipped => EventType::CronSkipped,
        Outcome::Missed => EventType::CronMissed,
        Outcome::Coalesced => EventType::CronCoalesced,
        _ => EventType::CronExecuted,
    };
    let status = match fire.outcome {
        Outcome::Fired => "ok",
        Outcome::Failed => "error",
        other => other.as_str(),
    };
    let mut payload = json!({
        "schedule_id": fire.schedule_id,
        "schedule_name": schedule.map(|schedule| &schedule.name),
        "status": status,
        "nominal": fire.nominal.rfc3339(),
    });
    if fire.count > 1 {
        payload["to"] = json!(fire.to.rfc3339());
        payload["count"] = json!(fire.count);
    }
    if let Some(reason) = &fire.reason {
        payload["reason"] = json!(reason);
    }
    if let Some(queue_id) = fire.queue_id {
        payload["queue_id"] = json!(queue_id);
    }
    Event::new(kind, payload)
}
