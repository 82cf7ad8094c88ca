//! Message groups: order, locks, turns.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName as System, QueueAttributeName};
use futures::future::try_join_all;

use super::bench::{Bench, Outcome, attribute, bodies, body, ensure, refused, told};

pub(super) async fn group_is_locked_while_in_flight(bench: &Bench) -> Outcome {
    let url = bench.fifo(&[(QueueAttributeName::VisibilityTimeout, "300")]).await?;
    for (group, text) in [("a", "a1"), ("a", "a2"), ("b", "b1")] {
        bench.send(&url, group, text).await?;
    }
    let first = bench.receive_one(&url).await?;
    let second = bench.receive_one(&url).await?;
    let mut seen = [body(&first), body(&second)];
    seen.sort_unstable();
    ensure(seen == ["a1", "b1"], || format!("the heads of both groups, not {seen:?}"))?;
    bench.expect_nothing(&url, "both groups have a message in flight").await?;
    bench.delete(&url, if body(&first) == "a1" { &first } else { &second }).await?;
    let next = bench.receive_one(&url).await?;
    ensure(body(&next) == "a2", || format!("{next:?}"))
}

pub(super) async fn group_keeps_its_order(bench: &Bench) -> Outcome {
    let url = bench.fifo(&[]).await?;
    let sent: Vec<String> = (0..12).map(|number| number.to_string()).collect();
    for text in &sent {
        bench.send(&url, "a", text).await?;
    }
    let mut seen = Vec::new();
    while seen.len() < sent.len() {
        let message = bench.receive_one(&url).await?;
        bench.delete(&url, &message).await?;
        seen.push(body(&message).to_owned());
    }
    ensure(seen == sent, || format!("received as {seen:?}"))
}

pub(super) async fn several_of_a_group_in_one_receive(bench: &Bench) -> Outcome {
    let url = bench.fifo(&[(QueueAttributeName::VisibilityTimeout, "300")]).await?;
    for text in ["1", "2", "3", "4"] {
        bench.send(&url, "a", text).await?;
    }
    let messages = bench.receive(&url, 3, 5).await?;
    ensure(bodies(&messages) == ["1", "2", "3"], || format!("one receive of three gave {:?}", bodies(&messages)))?;
    bench.delete(&url, &messages[0]).await?;
    bench.delete(&url, &messages[1]).await?;
    bench.expect_nothing(&url, "the third is still in flight").await?;
    bench.delete(&url, &messages[2]).await?;
    let next = bench.receive_one(&url).await?;
    ensure(body(&next) == "4", || format!("{next:?}"))
}

pub(super) async fn groups_take_turns(bench: &Bench) -> Outcome {
    const GROUPS: usize = 20;
    let url = bench.fifo(&[]).await?;
    for round in 0..3 {
        for group in 0..GROUPS {
            bench.send(&url, &format!("group-{group:02}"), &round.to_string()).await?;
        }
    }
    let mut served = HashSet::new();
    for _ in 0..GROUPS {
        let message = bench.receive_one(&url).await?;
        bench.delete(&url, &message).await?;
        served.insert(attribute(&message, &System::MessageGroupId));
    }
    // SQS promises no rotation. It does not starve groups either: half of them in as many receives as there are.
    let share = served.len();
    ensure(share >= GROUPS / 2, || format!("{GROUPS} receives served {share} of {GROUPS} groups"))
}

pub(super) async fn consumers_never_share_a_group(bench: &Bench) -> Outcome {
    const GROUPS: usize = 8;
    const EACH: usize = 6;
    let url = bench.fifo(&[(QueueAttributeName::VisibilityTimeout, "300")]).await?;
    for number in 0..EACH {
        let sends = (0..GROUPS).map(|group| {
            let url = &url;
            async move { bench.send(url, &group.to_string(), &number.to_string()).await }
        });
        try_join_all(sends).await?;
    }
    let held = Mutex::new(HashSet::new());
    let seen: Mutex<HashMap<String, Vec<usize>>> = Mutex::default();
    let consume = || async {
        while seen.lock().unwrap_or_else(|it| it.into_inner()).values().map(Vec::len).sum::<usize>() < GROUPS * EACH {
            for message in bench.receive(&url, 1, 1).await? {
                let group = attribute(&message, &System::MessageGroupId);
                let free = held.lock().unwrap_or_else(|it| it.into_inner()).insert(group.clone());
                ensure(free, || format!("group {group} has two consumers"))?;
                let number = body(&message).parse().map_err(|_| format!("{message:?}"))?;
                tokio::task::yield_now().await;
                seen.lock().unwrap_or_else(|it| it.into_inner()).entry(group.clone()).or_default().push(number);
                // Given up before the delete is sent: from its arrival on the group is the next consumer's.
                held.lock().unwrap_or_else(|it| it.into_inner()).remove(&group);
                bench.delete(&url, &message).await?;
            }
        }
        Ok::<_, String>(())
    };
    try_join_all((0..10).map(|_| consume())).await?;
    let seen = seen.into_inner().unwrap_or_else(|it| it.into_inner());
    ensure(seen.values().all(|numbers| numbers.iter().copied().eq(0..EACH)), || format!("{seen:?}"))
}

pub(super) async fn group_is_required(bench: &Bench) -> Outcome {
    let url = bench.fifo(&[]).await?;
    let request = bench.client.send_message().queue_url(&url).message_body("x").message_deduplication_id("1");
    let error = refused(request.send().await)?;
    let code = error.meta().code().unwrap_or_default().to_owned();
    ensure(matches!(code.as_str(), "MissingParameter" | "InvalidParameterValue"), || told(error))
}

pub(super) async fn system_attributes_by_either_name(bench: &Bench) -> Outcome {
    let url = bench.fifo(&[(QueueAttributeName::VisibilityTimeout, "0")]).await?;
    let sent = bench.message(&url, "lane", "x").message_deduplication_id("once").send().await.map_err(told)?;
    let request = || bench.client.receive_message().queue_url(&url).wait_time_seconds(5);
    #[expect(deprecated, reason = "older clients use the older name, and so do the event sources of Lambda")]
    let older = request().attribute_names(QueueAttributeName::All).send().await.map_err(told)?;
    let newer = request().message_system_attribute_names(System::All).send().await.map_err(told)?;
    let check = |message: Option<&Message>, count: &str| {
        let message = message.ok_or("nothing was received")?;
        let sequence = sent.sequence_number().unwrap_or_default();
        for (name, expected) in [
            (System::MessageGroupId, "lane"),
            (System::MessageDeduplicationId, "once"),
            (System::ApproximateReceiveCount, count),
            (System::SequenceNumber, sequence),
        ] {
            let seen = attribute(message, &name);
            ensure(seen == expected && !seen.is_empty(), || format!("{name} is {seen}, not {expected}"))?;
        }
        let sent_at = attribute(message, &System::SentTimestamp);
        ensure(sent_at.len() == 13, || format!("{sent_at} are no Unix milliseconds"))
    };
    check(older.messages().first(), "1")?;
    check(newer.messages().first(), "2")
}
