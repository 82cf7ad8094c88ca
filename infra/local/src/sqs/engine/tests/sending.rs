//! What a queue accepts and what it answers.

use super::super::{AttributeValue, ErrorCode, MAX_MESSAGE_BYTES, MessageAttribute, MessageAttributes};
use super::*;

#[test]
fn a_fifo_queue_needs_a_group_and_an_id() {
    let mut engine = with(&[("ContentBasedDeduplication", "false")]);
    for (draft, refused) in [
        (Draft::new("x"), Some(ErrorCode::MissingParameter)),
        (Draft::new("x").dedup_id("1"), Some(ErrorCode::MissingParameter)),
        (Draft::new("x").group("a"), Some(ErrorCode::InvalidParameterValue)),
        (Draft::new("x").group("a").dedup_id("1").delay_s(1), Some(ErrorCode::InvalidParameterValue)),
        (Draft::new("").group("a").dedup_id("1"), Some(ErrorCode::MissingParameter)),
        (Draft::new("\u{1}").group("a").dedup_id("1"), Some(ErrorCode::InvalidMessageContents)),
        (Draft::new("x").group("a").dedup_id("1").delay_s(0), None),
    ] {
        let shown = format!("{draft:?}");
        assert_eq!(engine.send(QUEUE, draft, 0).err().map(|error| error.code), refused, "{shown}");
    }
}

#[test]
fn a_standard_queue_takes_a_group_but_no_id() {
    let mut engine = engine();
    engine.send(STANDARD, Draft::new("1").group("a"), 0).unwrap();
    engine.send(STANDARD, Draft::new("2").group("a"), 0).unwrap();
    let deliveries = receive(&mut engine, STANDARD, 1, 0);
    assert_eq!(deliveries[0].group.as_deref(), Some("a"));
    assert_eq!(receive(&mut engine, STANDARD, 1, 0).len(), 1, "a group of a standard queue locks nothing");
    let error = engine.send(STANDARD, Draft::new("x").dedup_id("1"), 0).unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidParameterValue);
    assert!(engine.send(STANDARD, Draft::new("x").delay_s(901), 0).is_err());
}

#[test]
fn a_body_may_have_a_mebibyte_less_its_attributes() {
    let mut engine = engine();
    let body = "x".repeat(MAX_MESSAGE_BYTES);
    engine.send(STANDARD, Draft::new(body.clone()), 0).unwrap();
    assert_eq!(receive(&mut engine, STANDARD, 1, 0)[0].content.body.len(), MAX_MESSAGE_BYTES);
    let text = MessageAttribute { data_type: "String".into(), value: AttributeValue::Text("v".into()) };
    let draft = Draft::new(body).attributes(MessageAttributes::from([("n".to_owned(), text)]));
    assert!(engine.send(STANDARD, draft, 0).is_err());
    engine.set_queue_attributes(STANDARD, &attributes(&[("MaximumMessageSize", "1024")]), 0).unwrap();
    assert!(engine.send(STANDARD, Draft::new("x".repeat(1025)), 0).is_err());
}

#[test]
fn digests_are_those_of_what_was_sent() {
    let mut engine = engine();
    let sent = engine.send(STANDARD, Draft::new("hello"), 0).unwrap();
    assert_eq!(sent.body_md5, "5d41402abc4b2a76b9719d911017c592");
    assert_eq!(receive(&mut engine, STANDARD, 1, 0)[0].content.body_md5, sent.body_md5);
}

#[test]
fn entries_of_a_batch_succeed_and_fail_each_for_itself() {
    let mut engine = engine();
    let entries = [("ok", "1"), ("empty", ""), ("also", "2")]
        .map(|(id, body)| (id.to_owned(), Draft::new(body).group("a")))
        .into();
    let outcomes = engine.send_batch(QUEUE, entries, 0).unwrap();
    let ids: Vec<_> = outcomes.iter().map(|(id, outcome)| (id.as_str(), outcome.is_ok())).collect();
    assert_eq!(ids, [("ok", true), ("empty", false), ("also", true)]);
    let deliveries = receive(&mut engine, QUEUE, 10, 0);
    assert_eq!(bodies(&deliveries), ["1", "2"]);
    let mut handles: Vec<_> =
        deliveries.into_iter().map(|delivery| (delivery.content.body.clone(), delivery.receipt_handle)).collect();
    handles.push(("bad".into(), "nonsense".into()));
    let outcomes = engine.delete_batch(QUEUE, handles, 0).unwrap();
    assert_eq!(outcomes.iter().map(|(_, outcome)| outcome.is_ok()).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(count(&mut engine, QUEUE, "NotVisible", 0), "0");
}

#[test]
fn message_ids_are_uuids_and_differ() {
    let mut engine = engine();
    let ids: std::collections::HashSet<_> =
        (0..100).map(|_| engine.send(STANDARD, Draft::new("x"), 0).unwrap().message_id).collect();
    assert_eq!(ids.len(), 100);
    assert!(ids.iter().all(|id| uuid::Uuid::parse_str(id).is_ok()));
}
