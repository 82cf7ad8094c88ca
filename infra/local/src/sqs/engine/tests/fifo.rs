//! Order, locks and turns of message groups.

use super::*;

#[test]
fn a_group_is_locked_while_one_of_its_messages_is_in_flight() {
    let mut engine = engine();
    for body in ["1", "2", "3"] {
        send(&mut engine, "a", body, 0);
    }
    let first = receive(&mut engine, QUEUE, 2, 0);
    assert_eq!(bodies(&first), ["1", "2"]);
    assert!(receive(&mut engine, QUEUE, 10, 0).is_empty());
    engine.delete(QUEUE, &first[0].receipt_handle, 0).unwrap();
    assert!(receive(&mut engine, QUEUE, 10, 0).is_empty(), "2 is still in flight");
    engine.delete(QUEUE, &first[1].receipt_handle, 0).unwrap();
    assert_eq!(receive_bodies(&mut engine, QUEUE, 10, 0), ["3"]);
}

#[test]
fn one_receive_takes_several_messages_of_a_group_and_then_goes_on_to_the_next() {
    let mut engine = engine();
    for (group, body) in [("a", "a1"), ("b", "b1"), ("a", "a2"), ("b", "b2")] {
        send(&mut engine, group, body, 0);
    }
    assert_eq!(receive_bodies(&mut engine, QUEUE, 3, 0), ["a1", "a2", "b1"]);
    assert!(receive(&mut engine, QUEUE, 1, 0).is_empty(), "both groups are locked");
}

#[test]
fn groups_take_turns_whatever_their_names() {
    let mut engine = engine();
    for number in 0..20 {
        for group in 0..20 {
            send(&mut engine, &format!("g{group:02}"), &format!("{group}-{number}"), 0);
        }
    }
    let mut served = std::collections::HashSet::new();
    for _ in 0..20 {
        let delivery = receive(&mut engine, QUEUE, 1, 0).remove(0);
        engine.delete(QUEUE, &delivery.receipt_handle, 0).unwrap();
        served.insert(delivery.group);
    }
    assert_eq!(served.len(), 20, "each group was served once before any was served twice");
}

#[test]
fn a_message_given_back_is_first_in_its_group_again() {
    let mut engine = engine();
    send(&mut engine, "a", "1", 0);
    send(&mut engine, "a", "2", 0);
    let both = receive(&mut engine, QUEUE, 2, 0);
    // In the wrong order on purpose.
    engine.change_visibility(QUEUE, &both[1].receipt_handle, 0, 5).unwrap();
    engine.change_visibility(QUEUE, &both[0].receipt_handle, 0, 5).unwrap();
    assert_eq!(receive_bodies(&mut engine, QUEUE, 10, 5), ["1", "2"]);
}

#[test]
fn repeats_are_recognised_for_five_minutes_even_after_the_delete() {
    const WINDOW: i64 = 300_000;
    let mut engine = engine();
    let draft = || Draft::new("x").group("a").dedup_id("once");
    let first = engine.send(QUEUE, draft(), 0).unwrap();
    let delivery = receive(&mut engine, QUEUE, 1, 0).remove(0);
    engine.delete(QUEUE, &delivery.receipt_handle, 0).unwrap();
    let repeat = engine.send(QUEUE, draft(), WINDOW - 1).unwrap();
    assert_eq!((&repeat.message_id, &repeat.sequence_number), (&first.message_id, &first.sequence_number));
    assert!(receive(&mut engine, QUEUE, 1, WINDOW - 1).is_empty());
    let another = engine.send(QUEUE, draft(), WINDOW).unwrap();
    assert_ne!(another.message_id, first.message_id);
    assert_eq!(receive(&mut engine, QUEUE, 1, WINDOW).len(), 1);
}

#[test]
fn content_is_the_id_when_there_is_no_other() {
    let mut engine = engine();
    send(&mut engine, "a", "same", 0);
    send(&mut engine, "b", "same", 0);
    engine.send(QUEUE, Draft::new("same").group("a").dedup_id("own"), 0).unwrap();
    assert_eq!(count(&mut engine, QUEUE, "", 0), "2", "the group does not matter, an explicit id goes first");
}

#[test]
fn the_scope_of_repeats_may_be_the_group() {
    let mut engine = with(&[("DeduplicationScope", "messageGroup"), ("FifoThroughputLimit", "perMessageGroupId")]);
    for group in ["a", "b", "a"] {
        engine.send(QUEUE, Draft::new("x").group(group).dedup_id("id"), 0).unwrap();
    }
    assert_eq!(count(&mut engine, QUEUE, "", 0), "2");
}

#[test]
fn sequence_numbers_rise() {
    let mut engine = engine();
    let numbers: Vec<_> = ["1", "2", "3"]
        .map(|body| engine.send(QUEUE, Draft::new(body).group(body), 0).unwrap().sequence_number.unwrap())
        .into();
    assert!(numbers.is_sorted() && numbers[0] != numbers[1]);
    assert_eq!(engine.send(STANDARD, Draft::new("x"), 0).unwrap().sequence_number, None);
}
