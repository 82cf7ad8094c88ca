//! EventBridge, each minute: reminders for what fires within the next two minutes. And rules of the user's own, whose input
//! names a workspace and a schedule, or a workspace and a prompt.

mod rule;

use std::time::Duration;

use platform::Platform;
use platform::queues::Reminder;
use serde_json::Value;

/// A second look between two ticks, so that the scheduler is never older than a minute.
const SECOND_LOOK: Duration = Duration::from_secs(30);

/// Handles an event of the minute, or of a rule.
pub async fn handle(platform: Platform, event: Value) {
    if event.get("workspace_id").is_some() {
        return rule::handle(&platform, &event).await;
    }
    if let Err(error) = platform.queues.remind(&Reminder::Tick, SECOND_LOOK).await {
        tracing::warn!(%error, "no second look; the next tick looks");
    }
    if let Err(problem) = platform.remind_of_fires().await {
        tracing::error!(code = problem.code, "tick failed; the next one finds the same");
    }
}
