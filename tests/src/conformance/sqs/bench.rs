//! What the checks share: queues of their own, and short words for sending and receiving.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::{DisplayErrorContext, SdkError};
use aws_sdk_sqs::operation::send_message::SendMessageOutput;
use aws_sdk_sqs::operation::send_message::builders::SendMessageFluentBuilder;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName, QueueAttributeName};
use uuid::Uuid;

/// How a step or a check went, with what was seen and what was expected.
pub(super) type Outcome<T = ()> = Result<T, String>;

/// How long to wait for what must come, at the most. Nothing here takes so long but on a very busy machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// A check's own place: a client, and the queues that the check made.
pub(super) struct Bench {
    pub(super) client: Client,
    made: Mutex<Vec<String>>,
}

/// Fails a check with what was seen, unless the condition holds.
pub(super) fn ensure(condition: bool, seen: impl FnOnce() -> String) -> Outcome {
    if condition { Ok(()) } else { Err(seen()) }
}

/// An SDK error in one line, with its causes.
pub(super) fn told<E: std::error::Error + Send + Sync + 'static>(error: E) -> String {
    DisplayErrorContext(error).to_string()
}

/// The service's error of a call that must be refused.
pub(super) fn refused<T, E>(result: Result<T, SdkError<E>>) -> Outcome<E>
where
    E: std::error::Error + Send + Sync + 'static,
{
    match result {
        Ok(_) => Err("accepted, and should have been refused".to_owned()),
        Err(SdkError::ServiceError(error)) => Ok(error.into_err()),
        Err(error) => Err(told(error)),
    }
}

/// The body of a message.
pub(super) fn body(message: &Message) -> &str {
    message.body().unwrap_or_default()
}

/// The bodies of messages, in their order.
pub(super) fn bodies(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(body).collect()
}

/// A system attribute of a message.
pub(super) fn attribute(message: &Message, name: &MessageSystemAttributeName) -> String {
    message.attributes().and_then(|all| all.get(name)).cloned().unwrap_or_default()
}

/// How often the message was received.
pub(super) fn receives(message: &Message) -> String {
    attribute(message, &MessageSystemAttributeName::ApproximateReceiveCount)
}

/// The handle of a received message.
pub(super) fn handle(message: &Message) -> &str {
    message.receipt_handle().unwrap_or_default()
}

impl Bench {
    pub(super) fn new(client: Client) -> Self {
        Self { client, made: Mutex::default() }
    }

    /// A name that no other check and no other run has.
    pub(super) fn name(&self, suffix: &str) -> String {
        format!("conformance-{}{suffix}", Uuid::new_v4().simple())
    }

    /// A FIFO queue, which takes an explicit de-duplication id unless the attributes say otherwise.
    pub(super) async fn fifo(&self, attributes: &[(QueueAttributeName, &str)]) -> Outcome<String> {
        let fifo = [(QueueAttributeName::FifoQueue, "true")];
        self.make(&self.name(".fifo"), &[&fifo, attributes].concat()).await
    }

    /// A standard queue.
    pub(super) async fn standard(&self, attributes: &[(QueueAttributeName, &str)]) -> Outcome<String> {
        self.make(&self.name(""), attributes).await
    }

    /// A queue of that name. It is removed after the check.
    pub(super) async fn make(&self, name: &str, attributes: &[(QueueAttributeName, &str)]) -> Outcome<String> {
        let mut request = self.client.create_queue().queue_name(name);
        for (attribute, value) in attributes {
            request = request.attributes(attribute.clone(), *value);
        }
        let url = request.send().await.map_err(told)?.queue_url.unwrap_or_default();
        self.made.lock().unwrap_or_else(PoisonError::into_inner).push(url.clone());
        Ok(url)
    }

    /// Removes the queues that the check made. What is gone already is no matter.
    pub(super) async fn clean_up(&self) {
        let made = std::mem::take(&mut *self.made.lock().unwrap_or_else(PoisonError::into_inner));
        for url in made {
            let _ = self.client.delete_queue().queue_url(url).send().await;
        }
    }

    /// A message to a FIFO queue that is no repeat of any other.
    pub(super) fn message(&self, queue: &str, group: &str, text: &str) -> SendMessageFluentBuilder {
        self.client
            .send_message()
            .queue_url(queue)
            .message_group_id(group)
            .message_deduplication_id(Uuid::new_v4().to_string())
            .message_body(text)
    }

    /// Sends such a message.
    pub(super) async fn send(&self, queue: &str, group: &str, text: &str) -> Outcome<SendMessageOutput> {
        self.message(queue, group, text).send().await.map_err(told)
    }

    /// Receives at most `max` messages, with all attributes, and waits for the first for `wait_s` seconds.
    pub(super) async fn receive(&self, queue: &str, max: i32, wait_s: i32) -> Outcome<Vec<Message>> {
        let request = self.client.receive_message().queue_url(queue).max_number_of_messages(max);
        let request = request.wait_time_seconds(wait_s).message_attribute_names("All");
        let answer = request.message_system_attribute_names(MessageSystemAttributeName::All).send().await;
        Ok(answer.map_err(told)?.messages.unwrap_or_default())
    }

    /// Receives one message, which must come.
    pub(super) async fn receive_one(&self, queue: &str) -> Outcome<Message> {
        let end = tokio::time::Instant::now() + PATIENCE;
        while tokio::time::Instant::now() < end {
            if let Some(message) = self.receive(queue, 1, 5).await?.pop() {
                return Ok(message);
            }
        }
        Err(format!("no message within {PATIENCE:?}"))
    }

    /// Looks once, without waiting, and fails if there is something to receive.
    pub(super) async fn expect_nothing(&self, queue: &str, why: &str) -> Outcome {
        let seen = self.receive(queue, 10, 0).await?;
        ensure(seen.is_empty(), || format!("{why}, yet {:?} came", bodies(&seen)))
    }

    pub(super) async fn delete(&self, queue: &str, message: &Message) -> Outcome {
        let request = self.client.delete_message().queue_url(queue).receipt_handle(handle(message));
        request.send().await.map(|_| ()).map_err(told)
    }

    pub(super) async fn change_visibility(&self, queue: &str, message: &Message, seconds: i32) -> Outcome {
        let request = self.client.change_message_visibility().queue_url(queue).receipt_handle(handle(message));
        request.visibility_timeout(seconds).send().await.map(|_| ()).map_err(told)
    }

    /// An attribute of a queue.
    pub(super) async fn queue_attribute(&self, queue: &str, name: &QueueAttributeName) -> Outcome<String> {
        let request = self.client.get_queue_attributes().queue_url(queue).attribute_names(name.clone());
        let mut attributes = request.send().await.map_err(told)?.attributes.unwrap_or_default();
        Ok(attributes.remove(name).unwrap_or_default())
    }

    /// Waits until an attribute of a queue, which may be approximate, has a value.
    pub(super) async fn await_attribute(&self, queue: &str, name: &QueueAttributeName, value: &str) -> Outcome {
        let end = tokio::time::Instant::now() + PATIENCE;
        loop {
            let seen = self.queue_attribute(queue, name).await?;
            if seen == value {
                return Ok(());
            }
            ensure(tokio::time::Instant::now() < end, || format!("{name} is {seen}, not {value}"))?;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}
