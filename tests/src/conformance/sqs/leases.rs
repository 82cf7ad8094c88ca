//! The visibility timeout as a lease: its end, its extension, its return, and handles that are stale.

use std::time::{Duration, Instant};

use aws_sdk_sqs::types::QueueAttributeName as Attribute;

use super::bench::{Bench, Outcome, body, ensure, handle, receives, refused, told};

/// Clocks of client and server agree no better than this.
const TOLERANCE: Duration = Duration::from_millis(200);

pub(super) async fn expiry_returns_the_message_to_the_head(bench: &Bench) -> Outcome {
    let url = bench.fifo(&[(Attribute::VisibilityTimeout, "2")]).await?;
    for text in ["1", "2"] {
        bench.send(&url, "a", text).await?;
    }
    let begun = Instant::now();
    let first = bench.receive_one(&url).await?;
    let again = bench.receive_one(&url).await?;
    let passed = begun.elapsed();
    ensure(body(&first) == "1" && body(&again) == "1", || format!("{} and then {}", body(&first), body(&again)))?;
    ensure(receives(&again) == "2", || format!("the second receive is counted as {}", receives(&again)))?;
    ensure(passed + TOLERANCE >= Duration::from_secs(2), || format!("visible again after {passed:?}"))
}

pub(super) async fn visibility_zero_gives_back(bench: &Bench) -> Outcome {
    let url = bench.fifo(&[(Attribute::VisibilityTimeout, "300")]).await?;
    for text in ["1", "2"] {
        bench.send(&url, "a", text).await?;
    }
    let first = bench.receive_one(&url).await?;
    bench.expect_nothing(&url, "the group is locked").await?;
    bench.change_visibility(&url, &first, 0).await?;
    let again = bench.receive_one(&url).await?;
    ensure(body(&again) == "1" && receives(&again) == "2", || format!("{again:?}"))
}

pub(super) async fn visibility_may_be_extended(bench: &Bench) -> Outcome {
    let url = bench.fifo(&[(Attribute::VisibilityTimeout, "3")]).await?;
    bench.send(&url, "a", "x").await?;
    let begun = Instant::now();
    let message = bench.receive_one(&url).await?;
    let extended = bench.change_visibility(&url, &message, 300).await;
    if extended.is_err() && begun.elapsed() + TOLERANCE > Duration::from_secs(3) {
        // So busy a machine that the lease was over before it could be extended: this says nothing.
        return Ok(());
    }
    extended?;
    let late = bench.receive(&url, 1, 4).await?;
    ensure(late.is_empty(), || "visible again at the end of the first timeout".to_owned())?;
    bench.delete(&url, &message).await
}

pub(super) async fn stale_delete_keeps_the_message(bench: &Bench) -> Outcome {
    let url = bench.fifo(&[(Attribute::VisibilityTimeout, "300")]).await?;
    bench.send(&url, "a", "x").await?;
    let stale = bench.receive_one(&url).await?;
    bench.change_visibility(&url, &stale, 0).await?;
    let current = bench.receive_one(&url).await?;
    // Accepted or refused: the message is the other consumer's either way.
    let _ = bench.delete(&url, &stale).await;
    bench.change_visibility(&url, &current, 0).await?;
    let kept = bench.receive_one(&url).await?;
    ensure(receives(&kept) == "3", || format!("{kept:?}"))?;
    bench.delete(&url, &kept).await?;
    bench.await_attribute(&url, &Attribute::ApproximateNumberOfMessagesNotVisible, "0").await?;
    bench.expect_nothing(&url, "the message was deleted under its last handle").await
}

pub(super) async fn stale_visibility_change_is_a_typed_error(bench: &Bench) -> Outcome {
    let url = bench.fifo(&[(Attribute::VisibilityTimeout, "300")]).await?;
    bench.send(&url, "a", "x").await?;
    let stale = bench.receive_one(&url).await?;
    bench.change_visibility(&url, &stale, 0).await?;
    let request = bench.client.change_message_visibility().queue_url(&url).receipt_handle(handle(&stale));
    let error = refused(request.visibility_timeout(10).send().await)?;
    ensure(error.is_message_not_inflight(), || told(error))
}

pub(super) async fn visibility_has_a_range(bench: &Bench) -> Outcome {
    let url = bench.fifo(&[]).await?;
    bench.send(&url, "a", "x").await?;
    let message = bench.receive_one(&url).await?;
    for seconds in [-1, 43_201] {
        let refused = bench.change_visibility(&url, &message, seconds).await;
        ensure(refused.is_err(), || format!("a visibility of {seconds} s was accepted"))?;
    }
    bench.change_visibility(&url, &message, 43_000).await
}

pub(super) async fn receive_attempt_may_be_repeated(bench: &Bench) -> Outcome {
    let url = bench.fifo(&[(Attribute::VisibilityTimeout, "300")]).await?;
    bench.send(&url, "a", "x").await?;
    let attempt = || {
        let request = bench.client.receive_message().queue_url(&url).wait_time_seconds(5);
        request.receive_request_attempt_id("attempt-1").send()
    };
    let first = attempt().await.map_err(told)?.messages.unwrap_or_default();
    let again = attempt().await.map_err(told)?.messages.unwrap_or_default();
    ensure(first.len() == 1, || format!("{first:?}"))?;
    let handles =
        |messages: &[aws_sdk_sqs::types::Message]| messages.iter().map(|it| handle(it).to_owned()).collect::<Vec<_>>();
    ensure(handles(&first) == handles(&again), || format!("{first:?} and then {again:?}"))?;
    bench.delete(&url, &again[0]).await
}
