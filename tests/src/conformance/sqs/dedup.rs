//! Repeats of a send: recognised by id or by content, for a while, in the queue or in the group.

use aws_sdk_sqs::operation::send_message::SendMessageOutput;
use aws_sdk_sqs::types::QueueAttributeName as Attribute;

use super::bench::{Bench, Outcome, bodies, body, ensure, refused, told};

async fn send_once(bench: &Bench, url: &str, group: &str, id: &str, text: &str) -> Outcome<SendMessageOutput> {
    bench.message(url, group, text).message_deduplication_id(id).send().await.map_err(told)
}

pub(super) async fn repeat_by_id_is_recognised(bench: &Bench) -> Outcome {
    let url = bench.fifo(&[]).await?;
    let first = send_once(bench, &url, "a", "once", "first").await?;
    let repeat = send_once(bench, &url, "a", "once", "again").await?;
    ensure(first.message_id() == repeat.message_id(), || format!("{first:?} and {repeat:?}"))?;
    ensure(first.sequence_number() == repeat.sequence_number(), || format!("{first:?} and {repeat:?}"))?;
    ensure(first.sequence_number().is_some(), || format!("{first:?}"))?;
    let messages = bench.receive(&url, 10, 5).await?;
    ensure(bodies(&messages) == ["first"], || format!("{:?}", bodies(&messages)))
}

pub(super) async fn repeat_by_content_is_recognised(bench: &Bench) -> Outcome {
    let url = bench.fifo(&[(Attribute::ContentBasedDeduplication, "true")]).await?;
    for text in ["same", "same", "other"] {
        let request = bench.client.send_message().queue_url(&url).message_group_id("a").message_body(text);
        request.send().await.map_err(told)?;
    }
    send_once(bench, &url, "a", "own", "same").await?;
    let messages = bench.receive(&url, 10, 5).await?;
    ensure(bodies(&messages) == ["same", "other", "same"], || format!("{:?}", bodies(&messages)))
}

pub(super) async fn repeat_after_the_delete_is_recognised(bench: &Bench) -> Outcome {
    let url = bench.fifo(&[]).await?;
    let first = send_once(bench, &url, "a", "once", "x").await?;
    let message = bench.receive_one(&url).await?;
    bench.delete(&url, &message).await?;
    let repeat = send_once(bench, &url, "a", "once", "x").await?;
    ensure(first.message_id() == repeat.message_id(), || format!("{first:?} and {repeat:?}"))?;
    bench.send(&url, "a", "next").await?;
    let next = bench.receive_one(&url).await?;
    ensure(body(&next) == "next", || "the repeat was delivered".to_owned())
}

pub(super) async fn repeat_scope_may_be_the_group(bench: &Bench) -> Outcome {
    let scope =
        [(Attribute::DeduplicationScope, "messageGroup"), (Attribute::FifoThroughputLimit, "perMessageGroupId")];
    let url = bench.fifo(&scope).await?;
    for group in ["a", "b", "a"] {
        send_once(bench, &url, group, "once", group).await?;
    }
    let mut seen = Vec::new();
    for _ in 0..2 {
        let message = bench.receive_one(&url).await?;
        seen.push(body(&message).to_owned());
        bench.delete(&url, &message).await?;
    }
    seen.sort();
    ensure(seen == ["a", "b"], || format!("{seen:?}"))?;
    bench.expect_nothing(&url, "each group has had its message").await
}

pub(super) async fn dedup_id_is_required(bench: &Bench) -> Outcome {
    let url = bench.fifo(&[]).await?;
    let error =
        refused(bench.client.send_message().queue_url(&url).message_body("x").message_group_id("a").send().await)?;
    let code = error.meta().code().unwrap_or_default().to_owned();
    ensure(matches!(code.as_str(), "MissingParameter" | "InvalidParameterValue"), || told(error))
}
