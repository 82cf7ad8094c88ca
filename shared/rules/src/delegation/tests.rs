use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::fixtures::{ID, NOW, OTHER, ago, queued};
use crate::message::Answer;

fn delegation(stage: Stage, finished_at: Option<Timestamp>) -> Delegation {
    Delegation {
        delegation_id: "d".to_owned(),
        source: ID,
        target: OTHER,
        task: "task".to_owned(),
        stage,
        queue_id: None,
        result: None,
        error: None,
        created_at: ago(5000),
        finished_at,
    }
}

#[test]
fn what_is_under_way_is_the_same_and_what_is_over_only_for_a_while() {
    for (stage, finished, judged) in [
        (Stage::Pending, None, Repeat::Same),
        (Stage::Queued, None, Repeat::Same),
        (Stage::Dispatched, None, Repeat::Same),
        (Stage::Completed, Some(ago(599)), Repeat::Same),
        (Stage::Completed, Some(ago(600)), Repeat::New),
        (Stage::Failed, Some(ago(1)), Repeat::New),
    ] {
        assert_eq!(repeat(&delegation(stage, finished), NOW), judged, "{stage:?}");
    }
}

#[test]
fn an_open_delegation_is_where_its_message_is() {
    for (state, stage) in [
        (State::Queued, Stage::Queued),
        (State::Dispatched, Stage::Dispatched),
        (State::Delivered, Stage::Dispatched),
        (State::Completed, Stage::Completed),
        (State::Failed, Stage::Failed),
        (State::Expired, Stage::Failed),
        (State::Cancelled, Stage::Failed),
        (State::Coalesced, Stage::Failed),
        (State::Dropped, Stage::Failed),
    ] {
        let message = Message { state, ..queued() };
        assert_eq!(delegation(Stage::Pending, None).by(&message).stage, stage, "{state:?}");
        for over in [Stage::Completed, Stage::Failed] {
            assert_eq!(delegation(over, Some(NOW)).by(&message).stage, over, "what is over stays so");
        }
    }
}

#[test]
fn the_outcome_is_the_first_text_and_an_error_is_a_failure() {
    let completed = |status| Message {
        state: State::Completed,
        answer: Some(Answer { status, content_type: "application/json".to_owned(), a2a_version: None, task: None }),
        ..queued()
    };
    for (name, status, answer, stage, text) in [
        ("message", 200, json!({ "result": { "parts": [{ "kind": "text", "text": "a" }] } }), Stage::Completed, "a"),
        (
            "an old part",
            200,
            json!({ "result": { "parts": [{ "type": "text", "text": "a" }] } }),
            Stage::Completed,
            "a",
        ),
        (
            "1.0",
            200,
            json!({ "result": { "task": { "artifacts": [{ "parts": [{ "data": {} }, { "text": "b" }] }] } } }),
            Stage::Completed,
            "b",
        ),
        (
            "status",
            200,
            json!({ "result": { "status": { "message": { "parts": [{ "text": "c" }] } } } }),
            Stage::Completed,
            "c",
        ),
        ("raw", 200, json!({ "result": 7 }), Stage::Completed, r#"{"result":7}"#),
        ("rpc error", 200, json!({ "error": { "code": -1, "message": "no" } }), Stage::Failed, "no"),
        ("plain error", 404, json!({ "error": "gone" }), Stage::Failed, "gone"),
        ("http error", 404, json!({}), Stage::Failed, "the agent answered 404"),
    ] {
        let outcome = outcome(&completed(status), Some(answer.to_string().as_bytes()));
        assert_eq!((outcome.stage, outcome.result.or(outcome.error).as_deref()), (stage, Some(text)), "{name}");
    }
    let expired = Message { state: State::Expired, reason: Some("too late".to_owned()), ..queued() };
    assert_eq!(outcome(&expired, None).error.as_deref(), Some("expired: too late"));
}

proptest! {
    #[test]
    fn any_answer_has_a_bounded_outcome(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "\\PC{0,50}") {
        let message = Message { state: State::Completed, ..queued() };
        let long = json!({ "result": { "parts": [{ "text": text.repeat(500) }] } }).to_string();
        for answer in [bytes, long.into_bytes()] {
            let outcome = outcome(&message, Some(&answer));
            prop_assert!(outcome.stage.is_over());
            prop_assert!(outcome.result.or(outcome.error).unwrap().chars().count() <= RESULT_CHARS);
        }
    }
}
