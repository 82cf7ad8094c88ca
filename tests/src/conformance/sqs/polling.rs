//! Long polls: they wait, whatever brings a message wakes them, and one that is gone takes none.

use std::time::{Duration, Instant};

use aws_sdk_sqs::types::{Message, QueueAttributeName as Attribute};
use tokio::task::JoinHandle;

use super::bench::{Bench, Outcome, body, ensure, receives, refused};

/// How long a poll waits, in seconds, and how long after its cause it may come back at the most. One that was not
/// woken and looks again at its end comes too late for that.
const WAIT_S: i32 = 20;
const WAKE: Duration = Duration::from_secs(10);
/// So long a poll is given to reach the server. If it comes later it finds the message there, which is no failure.
const HEAD_START: Duration = Duration::from_millis(500);

/// Begins a poll, and gives it time to be waiting.
async fn begin(bench: &Bench, url: &str) -> JoinHandle<Outcome<Vec<Message>>> {
    let request = bench.client.receive_message().queue_url(url).wait_time_seconds(WAIT_S);
    let request = request.message_system_attribute_names(aws_sdk_sqs::types::MessageSystemAttributeName::All);
    let poll = tokio::spawn(async move {
        let answer = request.send().await.map_err(super::bench::told)?;
        Ok(answer.messages.unwrap_or_default())
    });
    tokio::time::sleep(HEAD_START).await;
    poll
}

/// Waits for the poll, which is to bring the message with that body.
async fn end(poll: JoinHandle<Outcome<Vec<Message>>>, expected: &str) -> Outcome {
    let caused = Instant::now();
    let messages = poll.await.map_err(|error| error.to_string())??;
    let passed = caused.elapsed();
    let seen = messages.first().map(body);
    ensure(seen == Some(expected), || format!("the poll brought {seen:?} after {passed:?}, not {expected}"))?;
    ensure(passed < WAKE, || format!("the poll came back only after {passed:?}"))
}

pub(super) async fn empty_poll_waits(bench: &Bench) -> Outcome {
    let url = bench.fifo(&[]).await?;
    let begun = Instant::now();
    let messages = bench.receive(&url, 1, 2).await?;
    let passed = begun.elapsed();
    ensure(messages.is_empty() && passed >= Duration::from_millis(1800), || format!("{messages:?} after {passed:?}"))
}

pub(super) async fn poll_is_woken_by_a_send(bench: &Bench) -> Outcome {
    let url = bench.fifo(&[]).await?;
    let poll = begin(bench, &url).await;
    bench.send(&url, "a", "x").await?;
    end(poll, "x").await
}

pub(super) async fn poll_is_woken_by_an_expiry(bench: &Bench) -> Outcome {
    let url = bench.fifo(&[(Attribute::VisibilityTimeout, "2")]).await?;
    bench.send(&url, "a", "x").await?;
    bench.receive_one(&url).await?;
    end(begin(bench, &url).await, "x").await
}

pub(super) async fn poll_is_woken_by_a_delay_ending(bench: &Bench) -> Outcome {
    let url = bench.fifo(&[(Attribute::DelaySeconds, "2")]).await?;
    let poll = begin(bench, &url).await;
    bench.send(&url, "a", "x").await?;
    end(poll, "x").await
}

pub(super) async fn poll_is_woken_by_a_give_back(bench: &Bench) -> Outcome {
    let url = bench.fifo(&[(Attribute::VisibilityTimeout, "300")]).await?;
    bench.send(&url, "a", "x").await?;
    let message = bench.receive_one(&url).await?;
    let poll = begin(bench, &url).await;
    bench.change_visibility(&url, &message, 0).await?;
    end(poll, "x").await
}

pub(super) async fn poll_is_woken_by_a_delete(bench: &Bench) -> Outcome {
    let url = bench.fifo(&[(Attribute::VisibilityTimeout, "300")]).await?;
    bench.send(&url, "a", "1").await?;
    bench.send(&url, "a", "2").await?;
    let first = bench.receive_one(&url).await?;
    let poll = begin(bench, &url).await;
    bench.delete(&url, &first).await?;
    end(poll, "2").await
}

pub(super) async fn aborted_poll_takes_no_message(bench: &Bench) -> Outcome {
    let url = bench.fifo(&[(Attribute::VisibilityTimeout, "300")]).await?;
    let poll = begin(bench, &url).await;
    poll.abort();
    // The task is gone when this returns, and with it the connection.
    let _ = poll.await;
    tokio::time::sleep(HEAD_START).await;
    bench.send(&url, "a", "x").await?;
    let message = bench.receive_one(&url).await?;
    ensure(receives(&message) == "1", || format!("received as number {}", receives(&message)))
}

pub(super) async fn receive_has_limits(bench: &Bench) -> Outcome {
    let url = bench.fifo(&[]).await?;
    let request = || bench.client.receive_message().queue_url(&url);
    for max in [0, 11] {
        refused(request().max_number_of_messages(max).send().await)
            .map_err(|seen| format!("{max} messages: {seen}"))?;
    }
    refused(request().wait_time_seconds(21).send().await).map_err(|seen| format!("21 s of waiting: {seen}"))?;
    refused(request().visibility_timeout(43_201).send().await).map_err(|seen| format!("43,201 s: {seen}"))?;
    Ok(())
}
