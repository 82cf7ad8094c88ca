//! The small shared queues: wake-ups of the dispatch function, reminders of the timers function, and copies of dead
//! messages for the alarm.

use std::time::Duration;

use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use futures::{StreamExt, stream};
use rules::message::Message;
use rules::{MessageId, ScheduleId, Timestamp, WorkspaceId};
use serde::{Deserialize, Serialize};

use super::{QueueError, Queues, json, seconds, unavailable};

/// The longest that SQS holds a message back.
const LONGEST_DELAY: Duration = Duration::from_secs(900);
/// Messages that SQS takes in one request.
const BATCH: usize = 10;
/// Requests that are under way at once.
const BATCHES_AT_ONCE: usize = 16;

/// A wake-up or a reminder: "look now". The record that it names decides what is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Reminder {
    /// Look at a workspace's queue.
    Drain {
        /// Whose.
        workspace_id: WorkspaceId,
    },
    /// Look at a message that waits outside the queue for its time.
    Due {
        /// Whose.
        workspace_id: WorkspaceId,
        /// Which.
        queue_id: MessageId,
    },
    /// Look at a schedule that is due.
    Fire {
        /// Whose.
        workspace_id: WorkspaceId,
        /// Which.
        schedule_id: ScheduleId,
        /// When.
        due: Timestamp,
    },
    /// Look at a turn that runs long.
    Ladder {
        /// Whose.
        workspace_id: WorkspaceId,
    },
    /// Tell an agent what it is to do about a turn that runs too long.
    Control {
        /// Whose.
        workspace_id: WorkspaceId,
    },
    /// Look which schedules are due.
    Tick,
    /// Look whether what runs a workspace is as its record wants it.
    Provision {
        /// Whose.
        workspace_id: WorkspaceId,
        /// Reminders of one round are one look; none, this one is a look of its own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        round: Option<String>,
    },
    /// Tell an agent that a message which it was given is cancelled.
    Cancelled {
        /// Whose.
        workspace_id: WorkspaceId,
        /// Which.
        queue_id: MessageId,
    },
}

/// A job of the provision function. It says where to look; the record that it names decides what is to be done: start, stop,
/// restart, hibernate, wake. So one that comes twice, late or in another order changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Job {
    /// Make what the engine runs of a workspace what its record wants.
    Reconcile {
        /// Whose.
        workspace_id: WorkspaceId,
    },
    /// Hold all that the engine runs against all records, both ways.
    Survey,
}

/// The copy of a message that failed, on the dead-letter queue. The record holds the rest, and can be replayed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buried {
    /// Which message.
    pub queue_id: MessageId,
    /// Whose.
    pub workspace_id: WorkspaceId,
    /// Who sent it.
    pub caller: String,
    /// How often it was tried.
    pub attempts: u32,
    /// Why it failed.
    pub reason: Option<String>,
}

impl From<&Message> for Buried {
    fn from(message: &Message) -> Self {
        Self {
            queue_id: message.id,
            workspace_id: message.target,
            caller: message.caller.key(),
            attempts: message.attempts,
            reason: message.reason.clone(),
        }
    }
}

impl Queues {
    /// Starts the drain of a workspace.
    ///
    /// # Errors
    /// SQS does not answer.
    pub async fn wake(&self, id: WorkspaceId) -> Result<(), QueueError> {
        self.hand_to_dispatch(&Reminder::Drain { workspace_id: id }).await
    }

    /// Hands something to the dispatch function at once.
    ///
    /// # Errors
    /// SQS does not answer.
    pub async fn hand_to_dispatch(&self, reminder: &Reminder) -> Result<(), QueueError> {
        self.hand_over(&self.dispatch, reminder).await
    }

    /// Hands something to the dispatch function in the tasks' network. Without one, nothing happens: false.
    ///
    /// # Errors
    /// SQS does not answer.
    pub async fn hand_to_dispatch_vpc(&self, reminder: &Reminder) -> Result<bool, QueueError> {
        let Some(queue) = &self.dispatch_vpc else { return Ok(false) };
        self.hand_over(queue, reminder).await.map(|()| true)
    }

    async fn hand_over(&self, queue: &str, reminder: &Reminder) -> Result<(), QueueError> {
        self.client.send_message().queue_url(queue).message_body(json(reminder)).send().await.map_err(unavailable)?;
        Ok(())
    }

    /// Asks to be reminded after `delay`, at most 15 minutes: whoever is reminded too early asks again.
    ///
    /// # Errors
    /// SQS does not answer.
    pub async fn remind(&self, reminder: &Reminder, delay: Duration) -> Result<(), QueueError> {
        let message = self.client.send_message().queue_url(&self.timers).message_body(json(reminder));
        message.delay_seconds(seconds(delay.min(LONGEST_DELAY))).send().await.map_err(unavailable)?;
        Ok(())
    }

    /// Asks for many reminders, each after its delay; how many SQS did not take.
    ///
    /// # Errors
    /// SQS does not answer.
    pub async fn remind_many(&self, reminders: &[(Reminder, Duration)]) -> Result<usize, QueueError> {
        let batches: Vec<_> = reminders.chunks(BATCH).map(|batch| self.remind_batch(batch)).collect();
        let mut sent = stream::iter(batches).buffer_unordered(BATCHES_AT_ONCE);
        let (mut refused, mut fault) = (0, None);
        while let Some(batch) = sent.next().await {
            match batch {
                Ok(count) => refused += count,
                Err(error) => fault = Some(error),
            }
        }
        fault.map_or(Ok(refused), Err)
    }

    async fn remind_batch(&self, batch: &[(Reminder, Duration)]) -> Result<usize, QueueError> {
        let mut request = self.client.send_message_batch().queue_url(&self.timers);
        for (place, (reminder, delay)) in batch.iter().enumerate() {
            let entry = SendMessageBatchRequestEntry::builder().id(place.to_string()).message_body(json(reminder));
            let entry = entry.delay_seconds(seconds((*delay).min(LONGEST_DELAY))).build();
            request = request.entries(entry.map_err(|error| QueueError::Unavailable(error.to_string()))?);
        }
        Ok(request.send().await.map_err(unavailable)?.failed.len())
    }

    /// Hands a job to the provision function. Jobs of one workspace are done one after the other. `unique` tells this job
    /// from every other one.
    ///
    /// # Errors
    /// SQS does not answer.
    pub async fn hand_to_provision(&self, job: &Job, unique: &str) -> Result<(), QueueError> {
        let group = match job {
            Job::Reconcile { workspace_id } => workspace_id.to_string(),
            Job::Survey => "survey".to_owned(),
        };
        self.client
            .send_message()
            .queue_url(&self.provision)
            .message_group_id(group)
            .message_deduplication_id(unique)
            .message_body(json(job))
            .send()
            .await
            .map_err(unavailable)?;
        Ok(())
    }

    /// Puts a copy of a failed message where the alarm looks. Without a dead-letter queue there is no copy.
    ///
    /// # Errors
    /// SQS does not answer.
    pub async fn bury(&self, message: &Message) -> Result<(), QueueError> {
        if self.dead_letters.is_empty() {
            return Ok(());
        }
        let copy = json(&Buried::from(message));
        self.client
            .send_message()
            .queue_url(&self.dead_letters)
            .message_body(copy)
            .send()
            .await
            .map_err(unavailable)?;
        Ok(())
    }
}
