//! The table's stream, filtered to event items: each is put on the event bus, in order, at least once. Where the bus does not
//! take one, the stream comes again from there.

mod read;

use aws_lambda_events::event::dynamodb::Event;
use aws_lambda_events::event::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use platform::Platform;
use rules::published::{Published, batches};

/// Handles a batch of the stream; what was not published is named by the first record that was not.
pub async fn handle(platform: Platform, event: Event) -> DynamoDbEventResponse {
    let (mut numbers, mut found) = (Vec::new(), Vec::new());
    for record in &event.records {
        match read::published(record) {
            None => {}
            Some(Ok(published)) => {
                numbers.push(record.change.sequence_number.clone());
                found.push(published);
            }
            // Nothing that comes again would be any better, and the others wait behind it.
            Some(Err(problem)) => {
                tracing::error!(event_id = record.event_id, problem, "an event cannot be read; not published");
            }
        }
    }
    let mut response = DynamoDbEventResponse::default();
    if let Some(first) = publish(&platform, &found).await {
        let mut failure = DynamoDbBatchItemFailure::default();
        failure.item_identifier = numbers[first].clone();
        response.batch_item_failures.push(failure);
    }
    response
}

/// Puts all; the first that was not taken, if one was not.
async fn publish(platform: &Platform, events: &[Published]) -> Option<usize> {
    for batch in batches(events) {
        match platform.bus.put(&events[batch.clone()]).await {
            Ok(taken) => {
                if let Some(index) = taken.iter().position(|taken| !taken) {
                    return Some(batch.start + index);
                }
            }
            Err(error) => {
                tracing::warn!(%error, "not published; the stream comes again");
                return Some(batch.start);
            }
        }
    }
    None
}
