//! The message that a fire's turn is.

use serde_json::json;

use super::fire::{Fire, Trigger};
use super::record::Schedule;
use crate::id::MessageId;

/// The A2A `messageId` of a fire: `cron-`, the beginning of the schedule's id, and the second of the fire. One that was
/// started by hand ends with its message's own id.
pub fn message_id(fire: &Fire, queue_id: MessageId) -> String {
    let schedule = fire.schedule_id.to_string();
    let schedule = schedule.split('-').next().unwrap_or_default();
    match fire.trigger {
        Trigger::Cron => format!("cron-{schedule}-{:08x}", fire.nominal.millis().div_euclid(1000)),
        Trigger::Run | Trigger::Rule => format!("cron-{schedule}-{queue_id}"),
    }
}

/// The normalised envelope of a turn.
pub fn envelope(schedule: &Schedule, fire: &Fire, queue_id: MessageId, text: &str) -> Vec<u8> {
    let id = message_id(fire, queue_id);
    json!({
        "jsonrpc": "2.0", "id": id, "method": "message/send",
        "params": { "message": {
            "kind": "message", "role": "user", "messageId": id,
            "parts": [{ "kind": "text", "text": text }],
            "metadata": {
                "kind": "cron",
                "schedule_id": schedule.id,
                "schedule_name": schedule.name,
                "trigger": fire.trigger,
                "nominal": fire.nominal.rfc3339(),
            },
        } },
    })
    .to_string()
    .into_bytes()
}
