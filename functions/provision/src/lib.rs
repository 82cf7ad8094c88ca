//! SQS FIFO `provision`: makes what the engine runs of a workspace what its record wants. A job only says where to look; the
//! record decides, so jobs that come twice, late or never change nothing. Jobs of one workspace are done one after the other:
//! starts and stops never race.

mod check;
mod reconcile;
mod start;
mod stop;
mod survey;
mod time_out;

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use platform::Platform;
use platform::queues::Job;

/// Handles a batch of jobs. One that fails comes again, and before any later one of its workspace.
pub async fn handle(platform: Platform, event: SqsEvent) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    for record in event.records {
        let Some(job) = record.body.as_deref().and_then(|body| serde_json::from_str(body).ok()) else {
            tracing::error!(message_id = record.message_id, "not a job; dropped");
            continue;
        };
        let done = match job {
            Job::Reconcile { workspace_id } => reconcile::reconcile(&platform, workspace_id).await,
            Job::Survey => survey::survey(&platform).await,
        };
        if let Err(problem) = done {
            tracing::warn!(code = problem.code, message_id = record.message_id, "job failed; it comes again");
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = record.message_id.unwrap_or_default();
            response.batch_item_failures.push(failure);
        }
    }
    response
}
