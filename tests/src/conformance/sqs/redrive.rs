//! Dead letters.

use aws_sdk_sqs::types::{MessageSystemAttributeName as System, QueueAttributeName as Attribute};

use super::bench::{Bench, Outcome, attribute, body, ensure};

/// A FIFO queue and its dead-letter queue, with the count as it is to stand in the policy.
async fn pair(bench: &Bench, count: &str, visibility_s: &str) -> Outcome<(String, String)> {
    let dead = bench.fifo(&[]).await?;
    let arn = bench.queue_attribute(&dead, &Attribute::QueueArn).await?;
    let policy = format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":{count}}}"#);
    let url = bench.fifo(&[(Attribute::RedrivePolicy, &policy), (Attribute::VisibilityTimeout, visibility_s)]).await?;
    Ok((url, dead))
}

/// Receives a message once and gives it back; with a count of 1 it is then spent.
async fn spend(bench: &Bench, url: &str) -> Outcome {
    let message = bench.receive_one(url).await?;
    bench.change_visibility(url, &message, 0).await
}

pub(super) async fn dead_letter_keeps_its_group(bench: &Bench) -> Outcome {
    let (url, dead) = pair(bench, "2", "300").await?;
    bench.send(&url, "lane", "bad").await?;
    bench.send(&url, "lane", "good").await?;
    spend(bench, &url).await?;
    spend(bench, &url).await?;
    let next = bench.receive_one(&url).await?;
    ensure(body(&next) == "good", || format!("{next:?}"))?;
    let letter = bench.receive_one(&dead).await?;
    ensure(body(&letter) == "bad", || format!("{letter:?}"))?;
    let group = attribute(&letter, &System::MessageGroupId);
    ensure(group == "lane", || format!("its group is now {group:?}"))
}

pub(super) async fn redrive_count_may_be_a_string(bench: &Bench) -> Outcome {
    let (url, dead) = pair(bench, "\"1\"", "300").await?;
    bench.send(&url, "lane", "bad").await?;
    spend(bench, &url).await?;
    let left = bench.receive(&url, 1, 1).await?;
    ensure(left.is_empty(), || format!("{left:?}"))?;
    let letter = bench.receive_one(&dead).await?;
    ensure(body(&letter) == "bad", || format!("{letter:?}"))
}

pub(super) async fn poll_gets_the_next_after_a_redrive(bench: &Bench) -> Outcome {
    let (url, _dead) = pair(bench, "1", "2").await?;
    bench.send(&url, "lane", "bad").await?;
    bench.send(&url, "lane", "good").await?;
    bench.receive_one(&url).await?;
    // One poll, which begins while the group is locked and outlasts the redrive.
    let messages = bench.receive(&url, 1, 15).await?;
    ensure(messages.first().map(body) == Some("good"), || format!("{messages:?}"))
}
