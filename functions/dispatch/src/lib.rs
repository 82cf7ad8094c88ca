//! SQS `dispatch`: a wake-up starts the drain of one workspace, which hands its messages to the agent while there is
//! room, and ends when the queue is empty and nobody woke it meanwhile.

mod call;
mod cancel;
mod claim;
mod deliver;
mod drain;
mod recover;
mod stream;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use platform::batch::each_reminder;
use platform::deadline::Deadline;
use platform::queues::Reminder;
use platform::{Platform, Result};

pub use drain::drain;
pub use recover::recover;

/// Handles a batch of wake-ups, for as long as there is something to do.
pub async fn handle(platform: Platform, event: SqsEvent) -> SqsBatchResponse {
    handle_in_time(platform, event, Deadline::NEVER).await
}

/// Handles a batch of wake-ups until shortly before a deadline.
pub async fn handle_in_time(platform: Platform, event: SqsEvent, deadline: Deadline) -> SqsBatchResponse {
    let platform = &platform;
    each_reminder(event, |reminder| async move {
        if forwarded(platform, &reminder).await? {
            return Ok(());
        }
        match reminder {
            Reminder::Drain { workspace_id } => drain(platform, workspace_id, deadline).await,
            Reminder::Due { workspace_id, queue_id } => platform.send_due(workspace_id, queue_id).await,
            Reminder::Fire { workspace_id, schedule_id, due } => platform.fire(workspace_id, schedule_id, due).await,
            Reminder::Ladder { workspace_id } => platform.climb(workspace_id).await,
            Reminder::Control { workspace_id } => cancel::tell_rung(platform, workspace_id).await,
            Reminder::Tick => platform.remind_of_fires().await.map(drop),
            Reminder::Provision { workspace_id, round } => {
                platform.reconcile_reminded(workspace_id, round.as_deref()).await;
                Ok(())
            }
            Reminder::Cancelled { workspace_id, queue_id } => {
                cancel::tell_cancelled(platform, workspace_id, queue_id).await
            }
        }
    })
    .await
}

/// What needs a connection to an agent that only the dispatch function in the tasks' network can open goes there.
async fn forwarded(platform: &Platform, reminder: &Reminder) -> Result<bool> {
    let (Reminder::Drain { workspace_id }
    | Reminder::Control { workspace_id }
    | Reminder::Cancelled { workspace_id, .. }) = reminder
    else {
        return Ok(false);
    };
    if platform.config.dispatch_vpc_queue_url.is_none() {
        return Ok(false);
    }
    match platform.store.workspace(*workspace_id).await? {
        Some(workspace) if !platform.reaches(&workspace) => Ok(platform.queues.hand_to_dispatch_vpc(reminder).await?),
        _ => Ok(false),
    }
}
