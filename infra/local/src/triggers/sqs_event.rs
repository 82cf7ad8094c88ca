//! The event that Lambda makes of a batch of SQS messages.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_sqs::types::{Message, MessageAttributeValue, MessageSystemAttributeName};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

#[derive(Serialize)]
struct Event<'a> {
    #[serde(rename = "Records")]
    records: Vec<Record<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    message_id: &'a str,
    receipt_handle: &'a str,
    body: &'a str,
    attributes: BTreeMap<&'a str, &'a str>,
    message_attributes: BTreeMap<&'a str, Attribute<'a>>,
    md5_of_body: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    md5_of_message_attributes: Option<&'a str>,
    event_source: &'static str,
    #[serde(rename = "eventSourceARN")]
    event_source_arn: &'a str,
    aws_region: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Attribute<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    string_value: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    binary_value: Option<String>,
    string_list_values: [&'static str; 0],
    binary_list_values: [&'static str; 0],
    data_type: &'a str,
}

/// The event of a batch from the queue with this ARN, as JSON.
pub(super) fn write(batch: &[Message], arn: &str) -> Result<Vec<u8>, serde_json::Error> {
    let region = arn.split(':').nth(3).unwrap_or_default();
    let records = batch.iter().map(|message| record(message, arn, region)).collect();
    serde_json::to_vec(&Event { records })
}

fn record<'a>(message: &'a Message, arn: &'a str, region: &'a str) -> Record<'a> {
    Record {
        message_id: message.message_id().unwrap_or_default(),
        receipt_handle: message.receipt_handle().unwrap_or_default(),
        body: message.body().unwrap_or_default(),
        attributes: message.attributes().map(system_attributes).unwrap_or_default(),
        message_attributes: message.message_attributes().map(message_attributes).unwrap_or_default(),
        md5_of_body: message.md5_of_body().unwrap_or_default(),
        md5_of_message_attributes: message.md5_of_message_attributes(),
        event_source: "aws:sqs",
        event_source_arn: arn,
        aws_region: region,
    }
}

fn system_attributes(attributes: &HashMap<MessageSystemAttributeName, String>) -> BTreeMap<&str, &str> {
    attributes.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

fn message_attributes(attributes: &HashMap<String, MessageAttributeValue>) -> BTreeMap<&str, Attribute<'_>> {
    attributes
        .iter()
        .map(|(name, value)| {
            let written = Attribute {
                string_value: value.string_value(),
                binary_value: value.binary_value().map(|bytes| STANDARD.encode(bytes)),
                string_list_values: [],
                binary_list_values: [],
                data_type: value.data_type(),
            };
            (name.as_str(), written)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use aws_lambda_events::event::sqs::SqsEvent;
    use aws_sdk_sqs::primitives::Blob;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_batch_is_written_as_lambda_writes_it() {
        let text = MessageAttributeValue::builder().data_type("String").string_value("v").build().unwrap();
        let binary =
            MessageAttributeValue::builder().data_type("Binary").binary_value(Blob::new([0xff])).build().unwrap();
        let message = Message::builder()
            .message_id("id-1")
            .receipt_handle("handle")
            .body("{\"kind\":\"drain\"}")
            .md5_of_body("abc")
            .attributes(MessageSystemAttributeName::ApproximateReceiveCount, "2")
            .attributes(MessageSystemAttributeName::SentTimestamp, "1700000000000")
            .message_attributes("text", text)
            .message_attributes("binary", binary)
            .build();
        let arn = "arn:aws:sqs:us-east-1:000000000000:molecule-dispatch";
        let json = write(&[message], arn).unwrap();
        let value: Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(
            value,
            json!({"Records": [{
                "messageId": "id-1",
                "receiptHandle": "handle",
                "body": "{\"kind\":\"drain\"}",
                "attributes": {"ApproximateReceiveCount": "2", "SentTimestamp": "1700000000000"},
                "messageAttributes": {
                    "text": {"stringValue": "v", "stringListValues": [], "binaryListValues": [], "dataType": "String"},
                    "binary": {"binaryValue": "/w==", "stringListValues": [], "binaryListValues": [], "dataType": "Binary"},
                },
                "md5OfBody": "abc",
                "eventSource": "aws:sqs",
                "eventSourceARN": arn,
                "awsRegion": "us-east-1",
            }]})
        );
        let event: SqsEvent = serde_json::from_slice(&json).unwrap();
        assert_eq!(event.records[0].message_id.as_deref(), Some("id-1"));
        assert_eq!(event.records[0].event_source_arn.as_deref(), Some(arn));
    }
}
