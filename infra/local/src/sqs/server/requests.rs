//! The requests of the SQS API as they come over the wire.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;

use super::super::engine::{
    AttributeValue, Draft, Error, ErrorCode, MessageAttribute, MessageAttributes, Receive, Result,
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CreateQueue {
    pub(super) queue_name: String,
    #[serde(default)]
    pub(super) attributes: BTreeMap<String, String>,
    #[serde(default, rename = "tags")]
    pub(super) tags: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct QueueName {
    pub(super) queue_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListQueues {
    #[serde(default)]
    pub(super) queue_name_prefix: String,
    pub(super) max_results: Option<i64>,
    pub(super) next_token: Option<String>,
}

/// A request to one queue.
#[derive(Deserialize)]
#[serde(bound(deserialize = "P: serde::de::DeserializeOwned"))]
pub(super) struct Addressed<P> {
    #[serde(rename = "QueueUrl")]
    queue_url: String,
    #[serde(flatten)]
    pub(super) parameters: P,
}

#[derive(Deserialize)]
pub(super) struct NoParameters {}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetQueueAttributes {
    #[serde(default)]
    pub(super) attribute_names: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SetQueueAttributes {
    pub(super) attributes: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TagQueue {
    pub(super) tags: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UntagQueue {
    pub(super) tag_keys: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SendMessage {
    #[serde(default)]
    message_body: String,
    delay_seconds: Option<i64>,
    #[serde(default)]
    message_attributes: BTreeMap<String, AttributeWire>,
    #[serde(default)]
    message_system_attributes: BTreeMap<String, AttributeWire>,
    message_deduplication_id: Option<String>,
    message_group_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AttributeWire {
    data_type: String,
    string_value: Option<String>,
    binary_value: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ReceiveMessage {
    #[serde(default)]
    attribute_names: Vec<String>,
    #[serde(default)]
    message_system_attribute_names: Vec<String>,
    #[serde(default)]
    pub(super) message_attribute_names: Vec<String>,
    max_number_of_messages: Option<i64>,
    visibility_timeout: Option<i64>,
    wait_time_seconds: Option<i64>,
    receive_request_attempt_id: Option<String>,
}

/// What a consumer says of a received message.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Receipt {
    pub(super) receipt_handle: String,
    pub(super) visibility_timeout: Option<i64>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "T: serde::de::DeserializeOwned"))]
pub(super) struct Batch<T> {
    #[serde(rename = "Entries")]
    entries: Vec<Entry<T>>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "T: serde::de::DeserializeOwned"))]
struct Entry<T> {
    #[serde(rename = "Id")]
    id: String,
    #[serde(flatten)]
    entry: T,
}

impl<P> Addressed<P> {
    /// The name of the queue.
    pub(super) fn queue(&self) -> &str {
        queue_name(&self.queue_url)
    }
}

impl<T> Batch<T> {
    /// The entries by id, in the engine's terms. One that has no such terms fails the whole batch.
    pub(super) fn try_map<E>(self, map: impl Fn(T) -> Result<E>) -> Result<Vec<(String, E)>> {
        self.entries.into_iter().map(|entry| Ok((entry.id, map(entry.entry)?))).collect()
    }
}

impl SendMessage {
    pub(super) fn into_draft(self) -> Result<Draft> {
        let mut draft = Draft::new(self.message_body).attributes(attributes(self.message_attributes)?);
        for (name, attribute) in attributes(self.message_system_attributes)? {
            draft = match (name.as_str(), attribute.value) {
                ("AWSTraceHeader", AttributeValue::Text(header)) => draft.trace_header(header),
                _ => return Err(invalid("MessageSystemAttributes", name)),
            };
        }
        if let Some(seconds) = unsigned("DelaySeconds", self.delay_seconds)? {
            draft = draft.delay_s(seconds);
        }
        if let Some(group) = &self.message_group_id {
            draft = draft.group(group);
        }
        if let Some(id) = self.message_deduplication_id {
            draft = draft.dedup_id(id);
        }
        Ok(draft)
    }
}

impl ReceiveMessage {
    /// The system attributes asked for, by the old name of the parameter or the new one.
    pub(super) fn system_attribute_names(&self) -> Vec<String> {
        [self.attribute_names.as_slice(), self.message_system_attribute_names.as_slice()].concat()
    }

    /// What the engine is to receive, and how many seconds to wait for it.
    pub(super) fn parameters(&self) -> Result<(Receive, Option<u32>)> {
        let receive = Receive {
            max: unsigned("MaxNumberOfMessages", self.max_number_of_messages)?,
            visibility_s: unsigned("VisibilityTimeout", self.visibility_timeout)?,
            attempt_id: self.receive_request_attempt_id.clone(),
        };
        Ok((receive, unsigned("WaitTimeSeconds", self.wait_time_seconds)?))
    }
}

/// The name of a queue from its URL: the last segment, so that a URL of another host or port is as good.
fn queue_name(url: &str) -> &str {
    url.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

/// A number that cannot be negative.
pub(super) fn unsigned(name: &str, number: Option<i64>) -> Result<Option<u32>> {
    number.map(|number| u32::try_from(number).map_err(|_| invalid(name, number))).transpose()
}

fn attributes(wire: BTreeMap<String, AttributeWire>) -> Result<MessageAttributes> {
    wire.into_iter()
        .map(|(name, attribute)| {
            let value = match (attribute.string_value, attribute.binary_value) {
                (Some(text), None) => AttributeValue::Text(text),
                (None, Some(encoded)) => {
                    AttributeValue::Binary(BASE64.decode(encoded).map_err(|_| invalid("MessageAttributes", &name))?)
                }
                _ => return Err(invalid("MessageAttributes", name)),
            };
            Ok((name, MessageAttribute { data_type: attribute.data_type, value }))
        })
        .collect()
}

fn invalid(name: &str, value: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::InvalidParameterValue, format!("Value {value} for parameter {name} is invalid."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_url_of_any_host_names_its_queue() {
        for url in ["http://127.0.0.1:9/000000000000/q.fifo", "https://sqs.eu-west-1.amazonaws.com/1/q.fifo/", "q.fifo"]
        {
            assert_eq!(queue_name(url), "q.fifo");
        }
    }
}
