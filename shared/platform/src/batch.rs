//! SQS batches of reminders: each record on its own, failed ones reported so that only they come again.

use std::future::Future;

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};

use crate::problem::Result;
use crate::queues::Reminder;

/// Handles each record; one that is not a reminder of ours is logged and done with.
pub async fn each_reminder<F, Fut>(event: SqsEvent, mut handle: F) -> SqsBatchResponse
where
    F: FnMut(Reminder) -> Fut,
    Fut: Future<Output = Result<()>>,
{
    let mut response = SqsBatchResponse::default();
    for record in event.records {
        let Some(reminder) = record.body.as_deref().and_then(|body| serde_json::from_str(body).ok()) else {
            tracing::error!(message_id = record.message_id, "not a reminder; dropped");
            continue;
        };
        if let Err(problem) = handle(reminder).await {
            tracing::warn!(code = problem.code, message_id = record.message_id, "reminder failed; it comes again");
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = record.message_id.unwrap_or_default();
            response.batch_item_failures.push(failure);
        }
    }
    response
}
