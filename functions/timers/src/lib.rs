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
            Reminder::Fire { workspace_id, schedule_id, due } => platform.fire(workspace_id, schedule_id, due).await,
            Reminder::Tick => platform.remind_of_fires().await.map(drop),
            Reminder::Ladder { workspace_id } => platform.climb(workspace_id).await,
            Reminder::Provision { workspace_id, round } => {
                platform.reconcile_reminded(workspace_id, round.as_deref()).await;
                Ok(())
            }
            Reminder::Cancelled { .. } | Reminder::Control { .. } => {
                Ok(platform.queues.hand_to_dispatch(&reminder).await?)
            }
        }
    })
    .await
}
