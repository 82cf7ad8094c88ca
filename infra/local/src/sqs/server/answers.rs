//! The answers of the SQS API as they go over the wire.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;

use super::super::engine::{
    AttributeValue, Content, Delivery, MessageAttribute, MessageAttributes, Result, Sent, attributes_md5, queue_arn,
};

/// The user id that AWS gives to an unnamed sender; there is but one here.
const SENDER_ID: &str = "AIDAIT2UOQQY3AUEKVGXU";

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SentMessage {
    message_id: String,
    #[serde(rename = "MD5OfMessageBody")]
    body_md5: String,
    #[serde(rename = "MD5OfMessageAttributes", skip_serializing_if = "Option::is_none")]
    attributes_md5: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence_number: Option<String>,
}

impl From<Sent> for SentMessage {
    fn from(sent: Sent) -> Self {
        Self {
            message_id: sent.message_id.to_string(),
            body_md5: sent.body_md5,
            attributes_md5: sent.attributes_md5,
            sequence_number: sent.sequence_number,
        }
    }
}

/// The answer to a delete or a change of visibility: nothing.
#[derive(Serialize)]
pub(super) struct Done {}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct BatchAnswer<T> {
    successful: Vec<Success<T>>,
    failed: Vec<Failure>,
}

#[derive(Serialize)]
struct Success<T> {
    #[serde(rename = "Id")]
    id: String,
    #[serde(flatten)]
    answer: T,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Failure {
    id: String,
    sender_fault: bool,
    code: &'static str,
    message: String,
}

/// The answer to a batch from what came of its entries.
pub(super) fn batch<T, A>(outcomes: Vec<(String, Result<T>)>, answer: impl Fn(T) -> A) -> BatchAnswer<A> {
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for (id, outcome) in outcomes {
        match outcome {
            Ok(entry) => successful.push(Success { id, answer: answer(entry) }),
            Err(error) => {
                let code = error.code.query_code();
                failed.push(Failure { id, sender_fault: true, code, message: error.message });
            }
        }
    }
    BatchAnswer { successful, failed }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Messages {
    pub(super) messages: Vec<Message>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Message {
    message_id: String,
    receipt_handle: String,
    #[serde(rename = "MD5OfBody")]
    body_md5: String,
    body: Body,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<&'static str, String>,
    #[serde(rename = "MD5OfMessageAttributes", skip_serializing_if = "Option::is_none")]
    attributes_md5: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    message_attributes: BTreeMap<String, Attribute>,
}

/// A body is written from where it is stored; it may be a megabyte.
struct Body(Arc<Content>);

impl Serialize for Body {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.body)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Attribute {
    data_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    string_value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    binary_value: Option<String>,
}

/// A delivery with the system attributes and the sender's attributes that were asked for.
pub(super) fn message(delivery: Delivery, system_names: &[String], names: &[String]) -> Message {
    let mut attributes = system_attributes(&delivery);
    attributes.retain(|attribute, _| system_names.iter().any(|name| name == "All" || name == attribute));
    let asked: MessageAttributes = delivery
        .content
        .attributes
        .iter()
        .filter(|(attribute, _)| names.iter().any(|name| selects(name, attribute)))
        .map(|(name, attribute)| (name.clone(), attribute.clone()))
        .collect();
    Message {
        attributes,
        // A client computes this digest over what it got.
        attributes_md5: attributes_md5(&asked),
        message_attributes: asked.into_iter().map(|(name, attribute)| (name, wire(attribute))).collect(),
        message_id: delivery.message_id.to_string(),
        receipt_handle: delivery.receipt_handle,
        body_md5: delivery.content.body_md5.clone(),
        body: Body(delivery.content),
    }
}

/// Whether a name in a request selects an attribute: the very name, all of them, or a prefix with `.*` after it.
fn selects(name: &str, attribute: &str) -> bool {
    name == "All" || name == attribute || name.strip_suffix(".*").is_some_and(|prefix| attribute.starts_with(prefix))
}

fn system_attributes(delivery: &Delivery) -> BTreeMap<&'static str, String> {
    let optional = [
        ("MessageGroupId", delivery.group.as_deref().map(str::to_owned)),
        ("MessageDeduplicationId", delivery.dedup_id.clone()),
        ("SequenceNumber", delivery.sequence_number.clone()),
        ("AWSTraceHeader", delivery.content.trace_header.clone()),
        ("DeadLetterQueueSourceArn", delivery.dead_letter_source.as_deref().map(queue_arn)),
    ];
    let always = [
        ("SenderId", SENDER_ID.to_owned()),
        ("SentTimestamp", delivery.sent_at.to_string()),
        ("ApproximateReceiveCount", delivery.receives.to_string()),
        ("ApproximateFirstReceiveTimestamp", delivery.first_received_at.to_string()),
    ];
    optional.into_iter().filter_map(|(name, value)| Some((name, value?))).chain(always).collect()
}

fn wire(attribute: MessageAttribute) -> Attribute {
    let (string_value, binary_value) = match attribute.value {
        AttributeValue::Text(text) => (Some(text), None),
        AttributeValue::Binary(bytes) => (None, Some(BASE64.encode(bytes))),
    };
    Attribute { data_type: attribute.data_type, string_value, binary_value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selection_of_attributes() {
        for (name, attribute, selected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("All", "x", true),
            (".*", "x", true),
            ("a.*", "a.b", true),
            ("a.*", "b.a", false),
        ] {
            assert_eq!(selects(name, attribute), selected, "{name} {attribute}");
        }
    }
}
