//! Dead letters.

use super::super::ErrorCode;
use super::*;

const DEAD: &str = "dead.fifo";

fn policy(target: &str, count: &str) -> BTreeMap<String, String> {
    let arn = super::super::queue_arn(target);
    let json = format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":{count}}}"#);
    attributes(&[("RedrivePolicy", &json)])
}

fn with_dead_letters() -> Engine {
    let mut engine = engine();
    engine.create_queue(DEAD, &attributes(&[("FifoQueue", "true")]), &BTreeMap::new(), 0).unwrap();
    engine.set_queue_attributes(QUEUE, &policy(DEAD, "\"2\""), 0).unwrap();
    engine
}

#[test]
fn a_message_received_often_enough_becomes_a_dead_letter_with_its_group() {
    let mut engine = with_dead_letters();
    send(&mut engine, "a", "bad", 0);
    send(&mut engine, "a", "good", 0);
    assert_eq!(receive_bodies(&mut engine, QUEUE, 1, 0), ["bad"]);
    assert_eq!(receive_bodies(&mut engine, QUEUE, 1, 30_000), ["bad"]);
    engine.take_woken();
    assert_eq!(receive_bodies(&mut engine, QUEUE, 1, 60_000), ["good"], "the next of the group, in the same receive");
    assert!(engine.take_woken().iter().any(|name| &**name == DEAD), "a poll at the dead-letter queue is woken");
    let dead = receive(&mut engine, DEAD, 10, 60_000);
    assert_eq!(bodies(&dead), ["bad"]);
    assert_eq!(dead[0].group.as_deref(), Some("a"));
    assert_eq!(dead[0].dead_letter_source.as_deref(), Some(QUEUE));
    assert!(dead[0].dedup_id.is_some());
}

#[test]
fn without_its_dead_letter_queue_a_message_stays() {
    let mut engine = with_dead_letters();
    send(&mut engine, "a", "x", 0);
    engine.delete_queue(DEAD).unwrap();
    for receives in 1..=5 {
        assert_eq!(receive(&mut engine, QUEUE, 1, i64::from(receives) * 30_000)[0].receives, receives);
    }
}

#[test]
fn the_target_must_exist_and_be_of_the_same_type() {
    let mut engine = with_dead_letters();
    for (queue, target) in [(QUEUE, "unknown.fifo"), (QUEUE, STANDARD), (STANDARD, DEAD)] {
        let error = engine.set_queue_attributes(queue, &policy(target, "2"), 0).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidParameterValue, "{queue} {target}");
    }
    engine.set_queue_attributes(QUEUE, &attributes(&[("RedrivePolicy", "")]), 0).unwrap();
    assert!(!engine.queue_attributes(QUEUE, &["All".into()], 0).unwrap().contains_key("RedrivePolicy"));
}

#[test]
fn several_spent_messages_go_in_one_receive_and_in_order() {
    let mut engine = with_dead_letters();
    for body in ["1", "2", "3", "4"] {
        send(&mut engine, "a", body, 0);
    }
    for round in 0..2 {
        assert_eq!(receive_bodies(&mut engine, QUEUE, 3, round * 30_000), ["1", "2", "3"]);
    }
    assert_eq!(receive_bodies(&mut engine, QUEUE, 3, 60_000), ["4"]);
    assert_eq!(receive_bodies(&mut engine, DEAD, 10, 60_000), ["1", "2", "3"]);
}
