//! What happens by itself: delays, retention, and the instants that the engine announces.

use super::*;

#[test]
fn a_delay_is_that_of_the_message_or_else_that_of_the_queue() {
    let mut engine = engine();
    engine.set_queue_attributes(STANDARD, &attributes(&[("DelaySeconds", "5")]), 0).unwrap();
    engine.send(STANDARD, Draft::new("queue"), 0).unwrap();
    engine.send(STANDARD, Draft::new("own").delay_s(10), 0).unwrap();
    engine.send(STANDARD, Draft::new("none").delay_s(0), 0).unwrap();
    assert_eq!(receive_bodies(&mut engine, STANDARD, 10, 4999), ["none"]);
    assert_eq!(receive_bodies(&mut engine, STANDARD, 10, 5000), ["queue"]);
    assert_eq!(receive_bodies(&mut engine, STANDARD, 10, 10_000), ["own"]);
}

#[test]
fn the_delay_of_a_fifo_queue_works_backwards_and_keeps_the_order() {
    let mut engine = with(&[("DelaySeconds", "60")]);
    send(&mut engine, "a", "1", 0);
    engine.set_queue_attributes(QUEUE, &attributes(&[("DelaySeconds", "10")]), 5000).unwrap();
    send(&mut engine, "a", "2", 5000);
    assert!(receive(&mut engine, QUEUE, 10, 9999).is_empty());
    assert_eq!(receive_bodies(&mut engine, QUEUE, 10, 10_000), ["1"]);
    assert!(receive(&mut engine, QUEUE, 10, 15_000).is_empty(), "2 is due but its group is locked");
    assert_eq!(receive_bodies(&mut engine, QUEUE, 10, 40_000), ["1", "2"]);
}

#[test]
fn messages_older_than_the_retention_go_also_from_flight() {
    const MINUTE: i64 = 60_000;
    let mut engine = with(&[("MessageRetentionPeriod", "60"), ("VisibilityTimeout", "600")]);
    send(&mut engine, "a", "1", 0);
    receive(&mut engine, QUEUE, 1, 0);
    send(&mut engine, "a", "2", 1);
    assert!(receive(&mut engine, QUEUE, 1, MINUTE - 1).is_empty());
    assert_eq!(receive_bodies(&mut engine, QUEUE, 10, MINUTE), ["2"], "1 is gone and its group is free");
    engine.advance(2 * MINUTE);
    assert_eq!(count(&mut engine, QUEUE, "NotVisible", 2 * MINUTE), "0");
}

#[test]
fn the_engine_announces_when_something_becomes_visible() {
    let mut engine = engine();
    assert_eq!(engine.next_instant(), None);
    engine.send(STANDARD, Draft::new("later").delay_s(10), 0).unwrap();
    assert_eq!(engine.next_instant(), Some(10_000));
    assert!(engine.take_woken().is_empty());
    engine.advance(9999);
    assert!(engine.take_woken().is_empty());
    engine.advance(10_000);
    assert_eq!(engine.take_woken(), [STANDARD.into()]);
    let handle = receive(&mut engine, STANDARD, 1, 10_000).remove(0).receipt_handle;
    assert_eq!(engine.next_instant(), Some(40_000), "the end of the flight");
    engine.change_visibility(STANDARD, &handle, 5, 11_000).unwrap();
    assert_eq!(engine.next_instant(), Some(16_000));
    engine.advance(16_000);
    assert_eq!(engine.take_woken(), [STANDARD.into()]);
}

#[test]
fn what_makes_something_receivable_wakes_the_queue() {
    let mut engine = engine();
    send(&mut engine, "a", "1", 0);
    assert_eq!(engine.take_woken(), [QUEUE.into()], "a send");
    send(&mut engine, "a", "2", 0);
    let held = receive(&mut engine, QUEUE, 1, 0).remove(0).receipt_handle;
    engine.take_woken();
    send(&mut engine, "a", "3", 0);
    assert!(engine.take_woken().is_empty(), "the group is locked");
    engine.delete(QUEUE, &held, 0).unwrap();
    assert_eq!(engine.take_woken(), [QUEUE.into()], "a delete frees the group");
    let held = receive(&mut engine, QUEUE, 1, 0).remove(0).receipt_handle;
    engine.take_woken();
    engine.change_visibility(QUEUE, &held, 0, 1).unwrap();
    assert_eq!(engine.take_woken(), [QUEUE.into()], "a visibility of 0");
}
