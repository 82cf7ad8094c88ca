//! What messages carry and how long they wait, and batches of them.

use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{
    DeleteMessageBatchRequestEntry, MessageAttributeValue, QueueAttributeName as Attribute,
    SendMessageBatchRequestEntry,
};

use super::bench::{Bench, Outcome, PATIENCE, bodies, body, ensure, handle, refused, told};

/// MD5 of "hello", and of [`attributes`] in the encoding of SQS.
const HELLO_MD5: &str = "5d41402abc4b2a76b9719d911017c592";
const ATTRIBUTES_MD5: &str = "6caafc0dd42d7659def82bc3384d9323";

pub(super) async fn standard_queue_carries_messages(bench: &Bench) -> Outcome {
    let url = bench.standard(&[]).await?;
    let sent = bench.client.send_message().queue_url(&url).message_body("hello").send().await.map_err(told)?;
    ensure(sent.md5_of_message_body() == Some(HELLO_MD5), || format!("{sent:?}"))?;
    let message = bench.receive_one(&url).await?;
    ensure(body(&message) == "hello" && message.md5_of_body() == Some(HELLO_MD5), || format!("{message:?}"))?;
    ensure(message.message_id() == sent.message_id(), || format!("{sent:?} and {message:?}"))?;
    bench.delete(&url, &message).await?;
    bench.await_attribute(&url, &Attribute::ApproximateNumberOfMessagesNotVisible, "0").await
}

pub(super) async fn delay_of_message_and_queue(bench: &Bench) -> Outcome {
    let url = bench.standard(&[(Attribute::DelaySeconds, "600")]).await?;
    let send = |text: &str| bench.client.send_message().queue_url(&url).message_body(text);
    send("queue").send().await.map_err(told)?;
    let begun = std::time::Instant::now();
    send("own").delay_seconds(2).send().await.map_err(told)?;
    let own = bench.receive_one(&url).await?;
    let passed = begun.elapsed();
    ensure(body(&own) == "own", || format!("{} came", body(&own)))?;
    ensure(passed.as_millis() >= 1800 && passed < PATIENCE, || format!("after {passed:?}"))
}

pub(super) async fn fifo_refuses_a_delay_per_message(bench: &Bench) -> Outcome {
    let url = bench.fifo(&[]).await?;
    let error = refused(bench.message(&url, "a", "x").delay_seconds(5).send().await)?;
    ensure(error.meta().code() == Some("InvalidParameterValue"), || told(error))
}

fn attributes() -> [(&'static str, MessageAttributeValue); 2] {
    let value = |data_type: &str| MessageAttributeValue::builder().data_type(data_type);
    [("n", value("String").string_value("zwölf")), ("b", value("Binary.png").binary_value(Blob::new([1, 2, 255])))]
        .map(|(name, value)| (name, value.build().unwrap_or_else(|_| unreachable!("the data type is set"))))
}

pub(super) async fn message_attributes_arrive_with_digests(bench: &Bench) -> Outcome {
    let url = bench.fifo(&[]).await?;
    let mut request = bench.message(&url, "a", "x");
    for (name, value) in attributes() {
        request = request.message_attributes(name, value);
    }
    let sent = request.send().await.map_err(told)?;
    ensure(sent.md5_of_message_attributes() == Some(ATTRIBUTES_MD5), || format!("{sent:?}"))?;
    let message = bench.receive_one(&url).await?;
    ensure(message.md5_of_message_attributes() == Some(ATTRIBUTES_MD5), || format!("{message:?}"))?;
    let arrived = message.message_attributes().cloned().unwrap_or_default();
    ensure(arrived == attributes().map(|(name, value)| (name.to_owned(), value)).into(), || format!("{arrived:?}"))
}

pub(super) async fn thousand_kibibytes_arrive(bench: &Bench) -> Outcome {
    let url = bench.fifo(&[]).await?;
    // JSON in a string, as most bodies are: every quote is escaped on the wire.
    let text = "\"ü\"\n".repeat(1000 * 1024 / 5);
    bench.send(&url, "a", &text).await?;
    let message = bench.receive_one(&url).await?;
    ensure(body(&message) == text, || format!("{} of {} bytes came", body(&message).len(), text.len()))
}

pub(super) async fn more_than_a_mebibyte_is_refused(bench: &Bench) -> Outcome {
    let url = bench.fifo(&[]).await?;
    let error = refused(bench.message(&url, "a", &"x".repeat(1_048_577)).send().await)?;
    ensure(error.meta().code().is_some(), || told(error))
}

pub(super) async fn control_characters_are_refused(bench: &Bench) -> Outcome {
    let url = bench.fifo(&[]).await?;
    for text in ["a\u{0}b", "\u{8}", "\u{FFFF}"] {
        let error = refused(bench.message(&url, "a", text).send().await).map_err(|seen| format!("{text:?}: {seen}"))?;
        ensure(error.is_invalid_message_contents(), || told(error))?;
    }
    bench.send(&url, "a", "tab\t, line\r\nand \u{1F600}").await.map(|_| ())
}

fn entry(id: &str, text: &str) -> Outcome<SendMessageBatchRequestEntry> {
    let entry = SendMessageBatchRequestEntry::builder().id(id).message_body(text);
    entry.message_group_id("a").message_deduplication_id(id).build().map_err(told)
}

pub(super) async fn batches_succeed_and_fail_by_entry(bench: &Bench) -> Outcome {
    let url = bench.fifo(&[(Attribute::VisibilityTimeout, "300")]).await?;
    let request = bench.client.send_message_batch().queue_url(&url);
    let request = request.entries(entry("one", "1")?).entries(entry("bad", "\u{1}")?).entries(entry("two", "2")?);
    let sent = request.send().await.map_err(told)?;
    let ids: Vec<_> = sent.successful().iter().map(|it| it.id()).collect();
    ensure(ids == ["one", "two"], || format!("{sent:?}"))?;
    ensure(sent.failed().iter().map(|it| it.id()).eq(["bad"]), || format!("{sent:?}"))?;
    let messages = bench.receive(&url, 10, 5).await?;
    ensure(bodies(&messages) == ["1", "2"], || format!("{:?}", bodies(&messages)))?;
    let mut request = bench.client.delete_message_batch().queue_url(&url);
    for message in &messages {
        let entry = DeleteMessageBatchRequestEntry::builder().id(body(message)).receipt_handle(handle(message));
        request = request.entries(entry.build().map_err(told)?);
    }
    let deleted = request.send().await.map_err(told)?;
    ensure(deleted.successful().len() == 2 && deleted.failed().is_empty(), || format!("{deleted:?}"))?;
    bench.await_attribute(&url, &Attribute::ApproximateNumberOfMessagesNotVisible, "0").await
}

pub(super) async fn malformed_batches_are_typed_errors(bench: &Bench) -> Outcome {
    let url = bench.fifo(&[]).await?;
    let request = || bench.client.send_message_batch().queue_url(&url);
    let twice = request().entries(entry("same", "1")?).entries(entry("same", "2")?);
    let error = refused(twice.send().await)?;
    ensure(error.is_batch_entry_ids_not_distinct(), || told(error))?;
    let error = refused(request().set_entries(Some(Vec::new())).send().await)?;
    ensure(error.is_empty_batch_request(), || told(error))?;
    let eleven = (0..11).map(|number| entry(&number.to_string(), "x")).collect::<Outcome<Vec<_>>>()?;
    let error = refused(request().set_entries(Some(eleven)).send().await)?;
    ensure(error.is_too_many_entries_in_batch_request(), || told(error))?;
    let half = "x".repeat(600 * 1024);
    let error = refused(request().entries(entry("1", &half)?).entries(entry("2", &half)?).send().await)?;
    ensure(error.is_batch_request_too_long(), || told(error))
}
