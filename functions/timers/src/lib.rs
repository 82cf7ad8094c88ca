//! SQS `timers`: reminders. A reminder only says "look now"; the record that it names decides, so doubled, late and lost
//! reminders change nothing.

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use platform::Platform;
use platform::batch::each_reminder;
use platform::queues::Reminder;

/// Handles a batch of reminders.
pub async fn handle(platform: Platform, event: SqsEvent) -> SqsBatchResponse {
    let platform = &platform;
    each_reminder(event, |reminder| async move {
        match reminder {
            Reminder::Drain { workspace_id } => Ok(platform.queues.wake(workspace_id).await?),
            Reminder::Due { workspace_id, queue_id } => platform.send_due(workspace_id, queue_id).await,
            Reminder::Cancelled { .. } => Ok(platform.queues.hand_to_dispatch(&reminder).await?),
        }
    })
    .await
}
