//! Many groups and many messages: a receive must not look at all of them.

use std::time::{Duration, Instant};

use super::*;

const GROUPS: usize = 30_000;
const MESSAGES: usize = 100_000;

#[test]
fn a_receive_costs_little_among_many_groups_and_messages() {
    let mut engine = engine();
    let begun = Instant::now();
    for number in 0..MESSAGES {
        let draft = Draft::new("pointer").group(&format!("group-{}", number % GROUPS)).dedup_id(number.to_string());
        engine.send(QUEUE, draft, 0).unwrap();
    }
    let sent = begun.elapsed();
    // With GROUPS / 2 groups locked, so that a receive that looks for an open one would have to look far.
    for _ in 0..GROUPS / 2 {
        assert_eq!(receive(&mut engine, QUEUE, 1, 1).len(), 1);
    }
    let mut drained = 0;
    loop {
        let deliveries = receive(&mut engine, QUEUE, 1, 2);
        let Some(delivery) = deliveries.first() else { break };
        engine.delete(QUEUE, &delivery.receipt_handle, 2).unwrap();
        drained += 1;
    }
    assert!(drained >= MESSAGES / 2 - GROUPS);
    // With the cost of a look at every group for each receive this takes a thousand times as long.
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    println!(
        "{MESSAGES} sends in {sent:?}, {drained} receives and deletes and {} receives in {:?}",
        GROUPS / 2,
        begun.elapsed() - sent
    );
}
