//! SQS: a FIFO queue per workspace and priority as the durable waiting room, and two small shared queues, `dispatch` for
//! wake-ups and `timers` for reminders. SQS carries ids; the messages themselves are records in the table.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_sqs::error::{DisplayErrorContext, SdkError};
use aws_sdk_sqs::types::QueueAttributeName;
use rules::message::Priority;
use rules::{MessageId, WorkspaceId};
use serde::{Deserialize, Serialize};

use crate::config::Config;

mod reminders;

pub use reminders::{Buried, Job, Reminder};

/// SQS did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// It did not answer, or refused for reasons of its own.
    #[error("sqs: {0}")]
    Unavailable(String),
    /// The queue does not exist: the workspace is gone, or it was never made.
    #[error("sqs: no such queue")]
    NoQueue,
}

/// The visibility of a message that was received but not yet dispatched.
const RECEIVE_VISIBILITY: Duration = Duration::from_secs(60);
/// Between tries of a queue that was just made: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html>.
const NEW_QUEUE_PAUSES: [Duration; 4] =
    [Duration::from_millis(100), Duration::from_millis(300), Duration::from_millis(600), Duration::from_millis(1000)];
/// SQS keeps pointers for 14 days.
const RETENTION_SECONDS: &str = "1209600";

/// A message's place in a queue; the record says the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pointer {
    /// The message.
    pub message: MessageId,
    /// Which sending it is; an older one is deleted on receipt.
    pub epoch: u64,
}

/// A pointer that was received.
#[derive(Debug, Clone)]
pub struct Received {
    /// The pointer; none if the body is not one of ours.
    pub pointer: Option<Pointer>,
    /// To delete it or change its visibility.
    pub receipt: String,
    /// The queue it came from.
    pub priority: Priority,
}

/// SQS through the SDK.
#[derive(Debug, Clone)]
pub struct Queues {
    client: aws_sdk_sqs::Client,
    prefix: String,
    base: String,
    dispatch: String,
    dispatch_vpc: Option<String>,
    timers: String,
    provision: String,
    dead_letters: String,
    wait: u8,
}

impl Queues {
    /// The queues of this deployment. Workspaces' queues lie beside the dispatch queue.
    pub fn new(client: aws_sdk_sqs::Client, config: &Config) -> Self {
        let base = config.dispatch_queue_url.rsplit_once('/').map_or("", |(base, _)| base).to_owned();
        Self {
            client,
            prefix: config.queue_prefix.clone(),
            base,
            dispatch: config.dispatch_queue_url.clone(),
            dispatch_vpc: config.dispatch_vpc_queue_url.clone(),
            timers: config.timers_queue_url.clone(),
            provision: config.provision_queue_url.clone(),
            dead_letters: config.dead_letter_queue_url.clone(),
            wait: config.drain_wait,
        }
    }

    /// The SDK client, for event sources and tests.
    pub fn client(&self) -> &aws_sdk_sqs::Client {
        &self.client
    }

    /// Asks SQS for what it refuses, an empty batch, so that the connection is open.
    ///
    /// # Errors
    /// SQS does not answer.
    pub async fn greet(&self) -> Result<(), QueueError> {
        let batch = self.client.send_message_batch().queue_url(&self.dispatch).set_entries(Some(Vec::new()));
        match batch.send().await {
            Err(error) if error.as_service_error().is_none() => Err(unavailable(error)),
            _ => Ok(()),
        }
    }

    /// `<prefix>-<id>-<priority>.fifo`.
    pub fn name(&self, id: WorkspaceId, priority: Priority) -> String {
        format!("{}-{id}-{}.fifo", self.prefix, priority.as_str())
    }

    fn url(&self, id: WorkspaceId, priority: Priority) -> String {
        format!("{}/{}", self.base, self.name(id, priority))
    }

    /// Makes a workspace's queue; any number of times. High-throughput FIFO: lanes never wait for each other.
    ///
    /// # Errors
    /// SQS does not answer.
    pub async fn create(&self, id: WorkspaceId, priority: Priority) -> Result<(), QueueError> {
        let attributes = [
            (QueueAttributeName::FifoQueue, "true"),
            (QueueAttributeName::DeduplicationScope, "messageGroup"),
            (QueueAttributeName::FifoThroughputLimit, "perMessageGroupId"),
            (QueueAttributeName::MessageRetentionPeriod, RETENTION_SECONDS),
        ];
        self.client
            .create_queue()
            .queue_name(self.name(id, priority))
            .set_attributes(Some(HashMap::from(attributes.map(|(name, value)| (name, value.to_owned())))))
            .tags("molecule:stack", &self.prefix)
            .send()
            .await
            .map_err(unavailable)?;
        Ok(())
    }

    /// Deletes all of a workspace's queues; one that is not there counts as deleted.
    ///
    /// # Errors
    /// SQS does not answer.
    pub async fn delete_all(&self, id: WorkspaceId) -> Result<(), QueueError> {
        for priority in Priority::ALL {
            match self.client.delete_queue().queue_url(self.url(id, priority)).send().await.map_err(unavailable) {
                Ok(_) | Err(QueueError::NoQueue) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Puts a pointer into its lane. A queue that is not there yet is made; true if so.
    ///
    /// # Errors
    /// SQS does not answer.
    pub async fn send(
        &self,
        target: WorkspaceId,
        priority: Priority,
        lane: &str,
        pointer: &Pointer,
    ) -> Result<bool, QueueError> {
        match self.send_once(target, priority, lane, pointer).await {
            Err(QueueError::NoQueue) => {
                self.create(target, priority).await?;
                self.send_to_new(target, priority, lane, pointer).await.map(|()| true)
            }
            sent => sent.map(|()| false),
        }
    }

    /// SQS asks for a second's patience with a queue that was just made.
    async fn send_to_new(
        &self,
        target: WorkspaceId,
        priority: Priority,
        lane: &str,
        pointer: &Pointer,
    ) -> Result<(), QueueError> {
        for pause in NEW_QUEUE_PAUSES {
            match self.send_once(target, priority, lane, pointer).await {
                Err(QueueError::NoQueue) => tokio::time::sleep(pause).await,
                sent => return sent,
            }
        }
        self.send_once(target, priority, lane, pointer).await
    }

    async fn send_once(
        &self,
        target: WorkspaceId,
        priority: Priority,
        lane: &str,
        pointer: &Pointer,
    ) -> Result<(), QueueError> {
        self.client
            .send_message()
            .queue_url(self.url(target, priority))
            .message_group_id(lane)
            .message_deduplication_id(format!("{}-{}", pointer.message, pointer.epoch))
            .message_body(json(pointer))
            .send()
            .await
            .map_err(unavailable)?;
        Ok(())
    }

    /// How long a drain waits for a last message, in seconds, so that an empty answer is an empty queue and not one
    /// unlucky server.
    pub const fn drain_wait(&self) -> u8 {
        self.wait
    }

    /// About how many pointers a workspace's queues hold, seen and unseen.
    ///
    /// # Errors
    /// SQS does not answer.
    pub async fn depth(&self, target: WorkspaceId) -> Result<usize, QueueError> {
        let counts = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        ];
        let mut depth = 0;
        for priority in Priority::ALL {
            let asked = self.client.get_queue_attributes().queue_url(self.url(target, priority));
            match asked.set_attribute_names(Some(counts.to_vec())).send().await.map_err(unavailable) {
                Ok(answer) => {
                    let attributes = answer.attributes.unwrap_or_default();
                    depth += attributes.values().filter_map(|count| count.parse::<usize>().ok()).sum::<usize>();
                }
                Err(QueueError::NoQueue) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(depth)
    }

    /// Takes one pointer from a queue, or none; a queue that does not exist is empty. `attempt` makes a repeated receive
    /// of one slot give the same message. Waits up to `wait` seconds for one.
    ///
    /// # Errors
    /// SQS does not answer.
    pub async fn receive(
        &self,
        target: WorkspaceId,
        priority: Priority,
        attempt: &str,
        wait: u8,
    ) -> Result<Option<Received>, QueueError> {
        let received = self
            .client
            .receive_message()
            .queue_url(self.url(target, priority))
            .max_number_of_messages(1)
            .visibility_timeout(seconds(RECEIVE_VISIBILITY))
            .wait_time_seconds(i32::from(wait))
            .receive_request_attempt_id(attempt)
            .customize()
            .config_override(aws_sdk_sqs::config::Builder::new().timeout_config(crate::aws::long_poll_timeouts()))
            .send()
            .await;
        let messages = match received.map_err(unavailable) {
            Ok(answer) => answer.messages.unwrap_or_default(),
            Err(QueueError::NoQueue) => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(messages.into_iter().next().and_then(|message| {
            Some(Received {
                pointer: message.body.as_deref().and_then(|body| serde_json::from_str(body).ok()),
                receipt: message.receipt_handle?,
                priority,
            })
        }))
    }

    /// Sets for how long nobody else may receive it; zero puts it back at the head of its lane.
    ///
    /// # Errors
    /// SQS does not answer.
    pub async fn hide(
        &self,
        target: WorkspaceId,
        priority: Priority,
        receipt: &str,
        length: Duration,
    ) -> Result<(), QueueError> {
        self.client
            .change_message_visibility()
            .queue_url(self.url(target, priority))
            .receipt_handle(receipt)
            .visibility_timeout(seconds(length))
            .send()
            .await
            .map_err(unavailable)?;
        Ok(())
    }

    /// Removes a pointer whose message is settled.
    ///
    /// # Errors
    /// SQS does not answer.
    pub async fn delete(&self, target: WorkspaceId, priority: Priority, receipt: &str) -> Result<(), QueueError> {
        match self
            .client
            .delete_message()
            .queue_url(self.url(target, priority))
            .receipt_handle(receipt)
            .send()
            .await
            .map_err(unavailable)
        {
            Ok(_) | Err(QueueError::NoQueue) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Lanes wait for as long as SQS allows at most; see [`crate::config::Config`] for the ceiling of one turn.
fn seconds(length: Duration) -> i32 {
    let whole = length.as_secs() + u64::from(length.subsec_nanos() > 0);
    i32::try_from(whole.min(43_200)).unwrap_or(43_200)
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn unavailable<E, R>(error: SdkError<E, R>) -> QueueError
where
    E: std::error::Error + aws_sdk_sqs::error::ProvideErrorMetadata + 'static,
    R: std::fmt::Debug + 'static,
{
    let code = error.as_service_error().and_then(|error| error.code());
    if code.is_some_and(|code| code.ends_with("QueueDoesNotExist") || code.ends_with("NonExistentQueue")) {
        return QueueError::NoQueue;
    }
    QueueError::Unavailable(DisplayErrorContext(error).to_string())
}
