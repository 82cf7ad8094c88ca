//! The event source mapping of a queue: receives messages, invokes the function with them, deletes those it took.
//!
//! As on AWS, a message that the function did not take stays in the queue: it comes again after the queue's visibility
//! timeout, and goes to the dead letters after as many receives as the queue allows.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName};
use platform::Platform;
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use super::sqs_event;
use crate::aws::explain;
use crate::function::Function;
use crate::queues::Made;
use crate::stopping::Stopped;
use crate::template::QueueSource;

/// Invocations at once where the template sets no maximum.
const CONCURRENCY: usize = 10;
/// The most that one receive gives.
const MOST: usize = 10;
/// How long a receive waits for a message, in seconds.
const LONG_POLL: i32 = 20;
/// How long to wait after SQS did not answer.
const PAUSE: Duration = Duration::from_secs(1);

/// A queue and the function that consumes it.
#[derive(Debug)]
pub struct Poller {
    /// Polls by itself, apart from the functions' clients: on AWS it is Lambda that polls.
    pub client: aws_sdk_sqs::Client,
    /// The queue.
    pub queue: Made,
    /// How it is consumed.
    pub source: QueueSource,
    /// Who consumes it.
    pub function: Arc<Function>,
    /// What the function runs on.
    pub platform: Platform,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchResponse {
    #[serde(default)]
    batch_item_failures: Vec<ItemFailure>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ItemFailure {
    item_identifier: String,
}

impl Poller {
    /// Polls until told to stop, then waits for the invocations under way.
    pub(super) async fn run(self, stopped: Stopped) {
        let most = self.source.max_concurrency.unwrap_or(CONCURRENCY).max(1);
        let room = Arc::new(Semaphore::new(most));
        let poller = Arc::new(self);
        let mut invocations = JoinSet::new();
        let stop = stopped.wait();
        tokio::pin!(stop);
        loop {
            // Nothing but the end may interrupt a receive: the messages of its answer would be lost to view.
            let batches = tokio::select! {
                batches = poller.receive(&room) => batches,
                () = &mut stop => break,
            };
            for (batch, permit) in batches {
                let poller = Arc::clone(&poller);
                invocations.spawn(async move {
                    poller.consume(batch).await;
                    drop(permit);
                });
            }
            while invocations.try_join_next().is_some() {}
        }
        while invocations.join_next().await.is_some() {}
    }

    /// Waits for room, then for messages; gives batches, each with its place.
    async fn receive(&self, room: &Arc<Semaphore>) -> Vec<(Vec<Message>, OwnedSemaphorePermit)> {
        let Ok(first) = Arc::clone(room).acquire_owned().await else { return std::future::pending().await };
        let mut permits = vec![first];
        while permits.len() * self.source.batch_size < MOST
            && let Ok(another) = Arc::clone(room).try_acquire_owned()
        {
            permits.push(another);
        }
        let most = (permits.len() * self.source.batch_size).min(MOST);
        let received = self
            .client
            .receive_message()
            .queue_url(&self.queue.url)
            .max_number_of_messages(i32::try_from(most).unwrap_or(1))
            .wait_time_seconds(LONG_POLL)
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .message_attribute_names("All")
            .customize()
            .config_override(aws_sdk_sqs::config::Builder::new().timeout_config(platform::aws::long_poll_timeouts()))
            .send()
            .await;
        match received {
            Ok(answer) => {
                let messages = answer.messages.unwrap_or_default();
                messages.chunks(self.source.batch_size).map(<[_]>::to_vec).zip(permits).collect()
            }
            Err(error) => {
                tracing::warn!(queue = self.queue.url, "the queue {}", explain(&error));
                tokio::time::sleep(PAUSE).await;
                Vec::new()
            }
        }
    }

    /// Invokes the function with a batch and deletes what it took.
    async fn consume(&self, batch: Vec<Message>) {
        let failed = match self.invoke(&batch).await {
            Ok(failed) => failed,
            Err(failure) => {
                tracing::error!(function = self.function.name, %failure, "a batch stays in the queue");
                return;
            }
        };
        let taken: Vec<_> = batch
            .iter()
            .filter(|message| !message.message_id().is_some_and(|id| failed.contains(id)))
            .filter_map(Message::receipt_handle)
            .collect();
        if !failed.is_empty() {
            tracing::warn!(function = self.function.name, failed = failed.len(), "messages stay in the queue");
        }
        self.delete(&taken).await;
    }

    /// The ids of the messages that the function did not take.
    async fn invoke(&self, batch: &[Message]) -> Result<HashSet<String>, String> {
        let event = sqs_event::write(batch, &self.queue.arn).map_err(|error| error.to_string())?;
        let answer = self.function.call(self.platform.clone(), event).await.map_err(|failure| failure.to_string())?;
        if !self.source.partial_failures {
            return Ok(HashSet::new());
        }
        failures(&answer, batch)
    }

    async fn delete(&self, receipts: &[&str]) {
        let entries: Result<Vec<_>, _> = receipts
            .iter()
            .enumerate()
            .map(|(index, receipt)| {
                DeleteMessageBatchRequestEntry::builder().id(index.to_string()).receipt_handle(*receipt).build()
            })
            .collect();
        let Ok(entries) = entries else { return };
        if entries.is_empty() {
            return;
        }
        let deleted = self.client.delete_message_batch().queue_url(&self.queue.url).set_entries(Some(entries)).send();
        match deleted.await {
            Ok(answer) if answer.failed.is_empty() => {}
            Ok(answer) => tracing::warn!(messages = answer.failed.len(), "not deleted; they will come again"),
            Err(error) => tracing::warn!(queue = self.queue.url, "not deleted; the queue {}", explain(&error)),
        }
    }
}

/// Reads a partial batch response. As on AWS, an answer that is none, or that names a message which is not in the batch,
/// fails the whole batch.
fn failures(answer: &[u8], batch: &[Message]) -> Result<HashSet<String>, String> {
    let response: Option<BatchResponse> =
        serde_json::from_slice(answer).map_err(|error| format!("its answer is no batch response: {error}"))?;
    let failed: HashSet<String> =
        response.unwrap_or_default().batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect();
    match failed.iter().find(|id| !batch.iter().any(|message| message.message_id() == Some(id))) {
        Some(stranger) => Err(format!("its answer names {stranger:?}, which is not in the batch")),
        None => Ok(failed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch() -> Vec<Message> {
        ["a", "b"].iter().map(|id| Message::builder().message_id(*id).build()).collect()
    }

    #[test]
    fn partial_failures_are_read_as_lambda_reads_them() {
        for (answer, expected) in [
            (r#"{"batchItemFailures":[]}"#, Some(vec![])),
            (r#"{"batchItemFailures":[{"itemIdentifier":"b"}]}"#, Some(vec!["b"])),
            ("{}", Some(vec![])),
            ("null", Some(vec![])),
            (r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#, None),
            (r#"{"batchItemFailures":[{"itemIdentifier":"c"}]}"#, None),
            (r#"{"batchItemFailures":[{}]}"#, None),
            ("\"text\"", None),
        ] {
            let read = failures(answer.as_bytes(), &batch()).ok();
            assert_eq!(read, expected.map(|ids| ids.into_iter().map(str::to_owned).collect()), "{answer}");
        }
    }
}
