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
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use super::{sqs_event, stopped};
use crate::aws::explain;
use crate::function::Function;
use crate::queues::Made;
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
    pub(super) async fn run(self, mut stopping: watch::Receiver<bool>) {
        let room = Arc::new(Semaphore::new(self.source.max_concurrency.unwrap_or(CONCURRENCY).max(1)));
        let poller = Arc::new(self);
        let mut invocations = JoinSet::new();
        loop {
            tokio::select! {
                batches = poller.receive(&room) => for (batch, permit) in batches {
                    let poller = Arc::clone(&poller);
                    invocations.spawn(async move {
                        poller.consume(batch).await;
                        drop(permit);
                    });
                },
                // So that the set does not grow with invocations that have ended.
                Some(_) = invocations.join_next() => {}
                () = stopped(&mut stopping) => break,
            }
        }
        while invocations.join_next().await.is_some() {}
    }
}
