//! Making, finding, describing and removing queues.

use std::time::Duration;

use aws_sdk_sqs::operation::get_queue_url::GetQueueUrlError;
use aws_sdk_sqs::types::QueueAttributeName as Attribute;

use super::bench::{Bench, Outcome, PATIENCE, body, ensure, refused, told};

pub(super) async fn create_is_idempotent(bench: &Bench) -> Outcome {
    let name = bench.name(".fifo");
    let attributes = [(Attribute::FifoQueue, "true"), (Attribute::VisibilityTimeout, "31")];
    let first = bench.make(&name, &attributes).await?;
    bench.send(&first, "a", "kept").await?;
    let again = bench.make(&name, &attributes).await?;
    ensure(first == again, || format!("{first} and then {again}"))?;
    let kept = bench.receive_one(&again).await?;
    ensure(body(&kept) == "kept", || format!("{kept:?}"))
}

pub(super) async fn create_with_other_attributes_is_refused(bench: &Bench) -> Outcome {
    let name = bench.name("");
    bench.make(&name, &[(Attribute::VisibilityTimeout, "31")]).await?;
    let other =
        bench.client.create_queue().queue_name(&name).attributes(Attribute::VisibilityTimeout, "32").send().await;
    let error = refused(other)?;
    ensure(error.is_queue_name_exists(), || told(error))
}

pub(super) async fn unknown_queue_is_a_typed_error(bench: &Bench) -> Outcome {
    let known = bench.standard(&[]).await?;
    let unknown = format!("{known}-unknown");
    let error = refused(bench.client.get_queue_url().queue_name(bench.name("")).send().await)?;
    ensure(error.is_queue_does_not_exist(), || told(error))?;
    let error = refused(bench.client.send_message().queue_url(&unknown).message_body("x").send().await)?;
    ensure(error.is_queue_does_not_exist(), || told(error))?;
    let error = refused(bench.client.receive_message().queue_url(&unknown).send().await)?;
    ensure(error.is_queue_does_not_exist(), || told(error))?;
    let error = refused(bench.client.delete_queue().queue_url(&unknown).send().await)?;
    ensure(error.is_queue_does_not_exist(), || told(error))
}

pub(super) async fn deleted_queue_is_unknown(bench: &Bench) -> Outcome {
    let name = bench.name("");
    let url = bench.make(&name, &[]).await?;
    let found = bench.client.get_queue_url().queue_name(&name).send().await.map_err(told)?;
    ensure(found.queue_url() == Some(&url), || format!("{url} is found as {found:?}"))?;
    bench.client.delete_queue().queue_url(&url).send().await.map_err(told)?;
    // AWS may take a minute over it.
    let end = tokio::time::Instant::now() + PATIENCE * 4;
    loop {
        let found = bench.client.get_queue_url().queue_name(&name).send().await;
        if found.is_err_and(|error| error.as_service_error().is_some_and(GetQueueUrlError::is_queue_does_not_exist)) {
            return Ok(());
        }
        ensure(tokio::time::Instant::now() < end, || "the queue is still there".to_owned())?;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

pub(super) async fn queues_are_listed_in_pages(bench: &Bench) -> Outcome {
    let prefix = bench.name("-");
    let mut made = Vec::new();
    for number in 0..7 {
        made.push(bench.make(&format!("{prefix}{number}"), &[]).await?);
    }
    let (mut listed, mut token) = (Vec::new(), None);
    loop {
        let request = bench.client.list_queues().queue_name_prefix(&prefix).max_results(3).set_next_token(token);
        let page = request.send().await.map_err(told)?;
        listed.extend(page.queue_urls.unwrap_or_default());
        token = page.next_token;
        if token.is_none() || listed.len() > made.len() {
            break;
        }
    }
    listed.sort();
    ensure(listed == made, || format!("made {made:?}, listed {listed:?}"))
}

pub(super) async fn attributes_are_read_and_set(bench: &Bench) -> Outcome {
    let url = bench.fifo(&[(Attribute::ContentBasedDeduplication, "true")]).await?;
    let set = bench.client.set_queue_attributes().queue_url(&url);
    let set =
        set.attributes(Attribute::VisibilityTimeout, "77").attributes(Attribute::MessageRetentionPeriod, "1209600");
    set.send().await.map_err(told)?;
    bench.await_attribute(&url, &Attribute::VisibilityTimeout, "77").await?;
    bench.await_attribute(&url, &Attribute::MessageRetentionPeriod, "1209600").await?;
    let arn = bench.queue_attribute(&url, &Attribute::QueueArn).await?;
    let name = url.rsplit('/').next().unwrap_or_default();
    ensure(arn.starts_with("arn:aws") && arn.ends_with(name), || format!("the ARN is {arn}"))?;
    let out_of_range = bench.client.set_queue_attributes().queue_url(&url);
    let error = refused(out_of_range.attributes(Attribute::VisibilityTimeout, "43201").send().await)?;
    ensure(error.is_invalid_attribute_value(), || told(error))
}

pub(super) async fn tags_come_and_go(bench: &Bench) -> Outcome {
    let url = bench.standard(&[]).await?;
    let request = bench.client.tag_queue().queue_url(&url).tags("stack", "one").tags("other", "two");
    request.send().await.map_err(told)?;
    bench.client.untag_queue().queue_url(&url).tag_keys("other").send().await.map_err(told)?;
    let tags = bench.client.list_queue_tags().queue_url(&url).send().await.map_err(told)?.tags.unwrap_or_default();
    ensure(tags.len() == 1 && tags.get("stack").is_some_and(|value| value == "one"), || format!("{tags:?}"))
}

pub(super) async fn counts_follow_the_messages(bench: &Bench) -> Outcome {
    let url = bench.standard(&[(Attribute::VisibilityTimeout, "120")]).await?;
    for text in ["1", "2", "3"] {
        bench.client.send_message().queue_url(&url).message_body(text).send().await.map_err(told)?;
    }
    let late = bench.client.send_message().queue_url(&url).message_body("late").delay_seconds(600);
    late.send().await.map_err(told)?;
    bench.receive_one(&url).await?;
    bench.await_attribute(&url, &Attribute::ApproximateNumberOfMessages, "2").await?;
    bench.await_attribute(&url, &Attribute::ApproximateNumberOfMessagesNotVisible, "1").await?;
    bench.await_attribute(&url, &Attribute::ApproximateNumberOfMessagesDelayed, "1").await
}

pub(super) async fn purge_takes_all_messages(bench: &Bench) -> Outcome {
    let url = bench.fifo(&[]).await?;
    for text in ["1", "2"] {
        bench.send(&url, text, text).await?;
    }
    bench.receive_one(&url).await?;
    bench.client.purge_queue().queue_url(&url).send().await.map_err(told)?;
    bench.await_attribute(&url, &Attribute::ApproximateNumberOfMessages, "0").await?;
    bench.await_attribute(&url, &Attribute::ApproximateNumberOfMessagesNotVisible, "0").await?;
    bench.expect_nothing(&url, "the queue was purged").await
}

pub(super) async fn second_purge_is_refused(bench: &Bench) -> Outcome {
    let url = bench.standard(&[]).await?;
    bench.client.purge_queue().queue_url(&url).send().await.map_err(told)?;
    let error = refused(bench.client.purge_queue().queue_url(&url).send().await)?;
    ensure(error.is_purge_queue_in_progress(), || told(error))
}
