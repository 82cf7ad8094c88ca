//! What a consumer may do with a message that it received, and when not any more.

use super::super::ErrorCode;
use super::*;

fn code(result: super::super::Result<()>) -> Option<ErrorCode> {
    result.err().map(|error| error.code)
}

#[test]
fn a_flight_ends_and_the_message_comes_back_counted() {
    for queue in [QUEUE, STANDARD] {
        let mut engine = engine();
        engine.send(queue, Draft::new("x").group("a"), 0).unwrap();
        assert_eq!(receive(&mut engine, queue, 1, 0)[0].receives, 1);
        assert!(receive(&mut engine, queue, 1, 29_999).is_empty());
        let again = receive(&mut engine, queue, 1, 30_000).remove(0);
        assert_eq!((again.receives, again.first_received_at, again.sent_at), (2, 0, 0));
    }
}

#[test]
fn a_flight_may_be_extended_and_cut_short() {
    let mut engine = engine();
    send(&mut engine, "a", "x", 0);
    let handle = receive(&mut engine, QUEUE, 1, 0).remove(0).receipt_handle;
    engine.change_visibility(QUEUE, &handle, 100, 20_000).unwrap();
    assert!(receive(&mut engine, QUEUE, 1, 119_999).is_empty());
    engine.change_visibility(QUEUE, &handle, 0, 119_999).unwrap();
    assert_eq!(receive(&mut engine, QUEUE, 1, 119_999).len(), 1);
}

#[test]
fn no_flight_is_longer_than_twelve_hours() {
    let mut engine = engine();
    send(&mut engine, "a", "x", 0);
    let handle = receive(&mut engine, QUEUE, 1, 0).remove(0).receipt_handle;
    assert_eq!(code(engine.change_visibility(QUEUE, &handle, 43_201, 0)), Some(ErrorCode::InvalidParameterValue));
    assert_eq!(code(engine.change_visibility(QUEUE, &handle, 43_200, 1000)), Some(ErrorCode::InvalidParameterValue));
    assert_eq!(code(engine.change_visibility(QUEUE, &handle, 43_199, 1000)), None);
}

#[test]
fn a_visibility_of_zero_hands_out_without_keeping() {
    let mut engine = engine();
    send(&mut engine, "a", "x", 0);
    let look = Receive { max: Some(10), visibility_s: Some(0), ..Receive::default() };
    for receives in 1..=3 {
        let seen = engine.receive(QUEUE, &look, 0).unwrap();
        assert_eq!(seen.iter().map(|delivery| delivery.receives).collect::<Vec<_>>(), [receives]);
    }
}

#[test]
fn on_a_fifo_queue_a_stale_handle_deletes_nothing() {
    let mut engine = engine();
    send(&mut engine, "a", "x", 0);
    let stale = receive(&mut engine, QUEUE, 1, 0).remove(0).receipt_handle;
    engine.delete(QUEUE, &stale, 30_000).unwrap();
    let current = receive(&mut engine, QUEUE, 1, 30_000).remove(0).receipt_handle;
    engine.delete(QUEUE, &stale, 30_000).unwrap();
    assert_eq!(count(&mut engine, QUEUE, "NotVisible", 30_000), "1");
    engine.delete(QUEUE, &current, 30_000).unwrap();
    assert_eq!(count(&mut engine, QUEUE, "NotVisible", 30_000), "0");
    engine.delete(QUEUE, &current, 30_000).expect("deleting twice is no error");
}

#[test]
fn on_a_standard_queue_the_last_handle_deletes_even_late() {
    let mut engine = engine();
    engine.send(STANDARD, Draft::new("x"), 0).unwrap();
    let stale = receive(&mut engine, STANDARD, 1, 0).remove(0).receipt_handle;
    let last = receive(&mut engine, STANDARD, 1, 30_000).remove(0).receipt_handle;
    engine.delete(STANDARD, &stale, 60_000).unwrap();
    assert_eq!(count(&mut engine, STANDARD, "", 60_000), "1");
    engine.delete(STANDARD, &last, 60_000).unwrap();
    assert_eq!(count(&mut engine, STANDARD, "", 60_000), "0");
    assert!(receive(&mut engine, STANDARD, 1, 60_000).is_empty());
}

#[test]
fn the_visibility_of_what_is_not_in_flight_cannot_be_changed() {
    for queue in [QUEUE, STANDARD] {
        let mut engine = engine();
        engine.send(queue, Draft::new("x").group("a"), 0).unwrap();
        let stale = receive(&mut engine, queue, 1, 0).remove(0).receipt_handle;
        let not_in_flight = Some(ErrorCode::MessageNotInflight);
        assert_eq!(code(engine.change_visibility(queue, &stale, 5, 30_000)), not_in_flight, "visible again");
        let current = receive(&mut engine, queue, 1, 30_000).remove(0).receipt_handle;
        assert_eq!(code(engine.change_visibility(queue, &stale, 5, 30_000)), not_in_flight, "received anew");
        engine.delete(queue, &current, 30_000).unwrap();
        let gone = Some(ErrorCode::InvalidParameterValue);
        assert_eq!(code(engine.change_visibility(queue, &current, 5, 30_000)), gone);
        assert_eq!(code(engine.delete(queue, "nonsense", 0)), Some(ErrorCode::ReceiptHandleIsInvalid));
    }
}

#[test]
fn a_handle_of_another_run_matches_nothing() {
    let (mut before, mut after) = (engine(), engine());
    after.incarnation = 2;
    send(&mut before, "a", "x", 0);
    send(&mut after, "a", "x", 0);
    let old = receive(&mut before, QUEUE, 1, 0).remove(0).receipt_handle;
    receive(&mut after, QUEUE, 1, 0);
    after.delete(QUEUE, &old, 0).unwrap();
    assert_eq!(count(&mut after, QUEUE, "NotVisible", 0), "1");
}

#[test]
fn a_repeated_attempt_gives_the_same_handles_and_a_whole_flight() {
    let mut engine = engine();
    send(&mut engine, "a", "1", 0);
    send(&mut engine, "b", "2", 0);
    let attempt = |max| Receive { max: Some(max), attempt_id: Some("attempt".into()), ..Receive::default() };
    let first = engine.receive(QUEUE, &attempt(1), 0).unwrap();
    let again = engine.receive(QUEUE, &attempt(1), 20_000).unwrap();
    assert_eq!(first, again);
    assert_eq!(again[0].receives, 1);
    assert_eq!(receive_bodies(&mut engine, QUEUE, 10, 49_999), ["2"], "the flight of 1 began anew at 20 s");
    engine.delete(QUEUE, &first[0].receipt_handle, 49_999).unwrap();
    send(&mut engine, "c", "3", 49_999);
    let spent = engine.receive(QUEUE, &attempt(1), 49_999).unwrap();
    assert_eq!(bodies(&spent), ["3"], "a deleted message ends the attempt");
}

#[test]
fn an_attempt_whose_message_was_changed_is_spent() {
    let mut engine = engine();
    send(&mut engine, "a", "1", 0);
    let attempt = Receive { attempt_id: Some("attempt".into()), ..Receive::default() };
    let first = engine.receive(QUEUE, &attempt, 0).unwrap();
    engine.change_visibility(QUEUE, &first[0].receipt_handle, 600, 0).unwrap();
    assert!(engine.receive(QUEUE, &attempt, 1000).unwrap().is_empty());
}

#[test]
fn what_a_receive_may_ask_for() {
    let mut engine = engine();
    for (max, visibility_s, accepted) in
        [(1, 0, true), (10, 43_200, true), (0, 0, false), (11, 0, false), (1, 43_201, false)]
    {
        let receive = Receive { max: Some(max), visibility_s: Some(visibility_s), ..Receive::default() };
        assert_eq!(engine.receive(QUEUE, &receive, 0).is_ok(), accepted, "{receive:?}");
    }
}
