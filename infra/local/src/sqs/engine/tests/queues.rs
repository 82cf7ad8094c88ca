//! Making, finding, describing and removing queues.

use super::super::ErrorCode;
use super::*;

#[test]
fn creating_twice_is_one_queue_unless_the_attributes_differ() {
    let mut engine = engine();
    send(&mut engine, "a", "x", 0);
    let none = BTreeMap::new();
    let mut fifo = attributes(&[("FifoQueue", "true")]);
    engine.create_queue(QUEUE, &fifo, &none, 5).unwrap();
    assert_eq!(count(&mut engine, QUEUE, "", 5), "1");
    fifo.insert("VisibilityTimeout".into(), "31".into());
    let error = engine.create_queue(QUEUE, &fifo, &none, 5).unwrap_err();
    assert_eq!(error.code, ErrorCode::QueueNameExists);
}

#[test]
fn names_are_checked() {
    let mut engine = Engine::new(1);
    for (name, accepted) in [
        ("a-b_C9", true),
        (&*"x".repeat(80), true),
        (&*"x".repeat(81), false),
        ("", false),
        ("a b", false),
        ("a/b", false),
        ("a.b", false),
    ] {
        let created = engine.create_queue(name, &BTreeMap::new(), &BTreeMap::new(), 0);
        assert_eq!(created.is_ok(), accepted, "{name}");
    }
}

#[test]
fn pages_cover_all_queues_of_a_prefix_once() {
    let mut engine = engine();
    for number in 0..25 {
        engine.create_queue(&format!("p-{number:02}"), &BTreeMap::new(), &BTreeMap::new(), 0).unwrap();
    }
    let (mut seen, mut token) = (Vec::new(), None);
    loop {
        let page = engine.list_queues("p-", Some(10), token.as_deref()).unwrap();
        seen.extend(page.names);
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 25);
    assert!(seen.is_sorted());
    assert_eq!(engine.list_queues("", None, None).unwrap().names.len(), 27);
    assert!(engine.list_queues("none", None, None).unwrap().names.is_empty());
    assert!(engine.list_queues("", Some(1001), None).is_err());
}

#[test]
fn a_deleted_queue_is_unknown_and_its_name_free() {
    let mut engine = engine();
    send(&mut engine, "a", "x", 0);
    receive(&mut engine, QUEUE, 1, 0);
    engine.delete_queue(QUEUE).unwrap();
    assert_eq!(engine.take_woken().last().map(|name| &**name), Some(QUEUE), "its polls have to learn of it");
    let unknown = engine.receive(QUEUE, &Receive::default(), 0).unwrap_err();
    assert_eq!(unknown.code, ErrorCode::QueueDoesNotExist);
    assert_eq!(engine.next_instant(), None);
    engine.create_queue(QUEUE, &attributes(&[("FifoQueue", "true")]), &BTreeMap::new(), 0).unwrap();
    assert_eq!(count(&mut engine, QUEUE, "NotVisible", 0), "0");
}

#[test]
fn a_purge_takes_everything_and_is_allowed_once_a_minute() {
    let mut engine = engine();
    send(&mut engine, "a", "1", 0);
    send(&mut engine, "b", "2", 0);
    let held = receive(&mut engine, QUEUE, 1, 0).remove(0).receipt_handle;
    engine.purge_queue(QUEUE, 0).unwrap();
    assert_eq!(engine.purge_queue(QUEUE, 59_999).unwrap_err().code, ErrorCode::PurgeQueueInProgress);
    engine.delete(QUEUE, &held, 0).unwrap();
    send(&mut engine, "a", "3", 0);
    assert_eq!(receive_bodies(&mut engine, QUEUE, 10, 0), ["3"], "the group is not locked by what was purged");
    engine.purge_queue(QUEUE, 60_000).unwrap();
}

#[test]
fn counts_follow_the_messages() {
    let mut engine = engine();
    for body in ["1", "2", "3"] {
        engine.send(STANDARD, Draft::new(body), 0).unwrap();
    }
    engine.send(STANDARD, Draft::new("4").delay_s(10), 0).unwrap();
    receive(&mut engine, STANDARD, 1, 0);
    let counts =
        |engine: &mut Engine, now| ["", "NotVisible", "Delayed"].map(|which| count(engine, STANDARD, which, now));
    assert_eq!(counts(&mut engine, 0), ["2", "1", "1"]);
    assert_eq!(counts(&mut engine, 10_000), ["3", "1", "0"]);
    assert_eq!(counts(&mut engine, 30_000), ["4", "0", "0"]);
}

#[test]
fn attributes_are_given_as_asked_for() {
    let mut engine = engine();
    let all = engine.queue_attributes(QUEUE, &["All".into()], 0).unwrap();
    assert_eq!(all["QueueArn"], "arn:aws:sqs:us-east-1:000000000000:queue.fifo");
    assert_eq!(all["FifoQueue"], "true");
    let one = engine.queue_attributes(QUEUE, &["VisibilityTimeout".into()], 0).unwrap();
    assert_eq!(one, attributes(&[("VisibilityTimeout", "30")]));
    assert!(engine.queue_attributes(QUEUE, &[], 0).unwrap().is_empty());
    engine.set_queue_attributes(QUEUE, &attributes(&[("VisibilityTimeout", "5")]), 7000).unwrap();
    let changed = engine.queue_attributes(QUEUE, &["All".into()], 7000).unwrap();
    assert_eq!((&*changed["VisibilityTimeout"], &*changed["LastModifiedTimestamp"]), ("5", "7"));
}

#[test]
fn tags_come_and_go() {
    let mut engine = engine();
    engine.tag_queue(QUEUE, &attributes(&[("a", "1"), ("b", "2")])).unwrap();
    engine.tag_queue(QUEUE, &attributes(&[("b", "3")])).unwrap();
    engine.untag_queue(QUEUE, &["a".into(), "unknown".into()]).unwrap();
    assert_eq!(engine.queue_tags(QUEUE).unwrap(), attributes(&[("b", "3")]));
    let many = (0..51).map(|number| (number.to_string(), String::new())).collect();
    assert!(engine.tag_queue(QUEUE, &many).is_err());
}
