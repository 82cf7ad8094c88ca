use proptest::prelude::*;
use proptest::sample::select;

use super::life::MAX_TIMELINE;
use super::*;
use crate::fixtures::{NOW, ago, ahead, queued};

const ALL: [State; 9] = [
    State::Queued,
    State::Dispatched,
    State::Delivered,
    State::Completed,
    State::Failed,
    State::Expired,
    State::Cancelled,
    State::Coalesced,
    State::Dropped,
];

/// Rows from, columns to, both in the order of [`ALL`].
#[rustfmt::skip]
const MAY_BECOME: [(State, [u8; 9]); 9] = [
    //                  queu disp deli comp fail expi canc coal drop
    (State::Queued,     [1,   1,   0,   0,   1,   1,   1,   1,   1]),
    (State::Dispatched, [1,   0,   1,   1,   1,   1,   1,   0,   1]),
    (State::Delivered,  [1,   0,   0,   1,   1,   1,   1,   0,   1]),
    (State::Completed,  [0,   0,   0,   0,   0,   0,   0,   0,   0]),
    (State::Failed,     [0,   0,   0,   0,   0,   0,   0,   0,   0]),
    (State::Expired,    [0,   0,   0,   0,   0,   0,   0,   0,   0]),
    (State::Cancelled,  [0,   0,   0,   0,   0,   0,   0,   0,   0]),
    (State::Coalesced,  [0,   0,   0,   0,   0,   0,   0,   0,   0]),
    (State::Dropped,    [0,   0,   0,   0,   0,   0,   0,   0,   0]),
];

#[test]
fn the_table_of_states() {
    for (from, row) in MAY_BECOME {
        for (to, allowed) in ALL.into_iter().zip(row) {
            assert_eq!(from.may_become(to), allowed == 1, "{from:?} → {to:?}");
        }
    }
}

#[test]
fn storage_strings_are_the_serde_strings() {
    for state in ALL {
        assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
    }
    for priority in Priority::ALL {
        assert_eq!(serde_json::to_value(priority).unwrap(), priority.as_str());
    }
}

#[test]
fn priorities_are_read_by_number_and_name() {
    for (text, priority) in [
        ("100", Some(Priority::Critical)),
        ("TASK", Some(Priority::Task)),
        (" info ", Some(Priority::Info)),
        ("7", None),
        ("", None),
    ] {
        assert_eq!(Priority::parse(text), priority, "{text:?}");
    }
    for priority in Priority::ALL {
        assert_eq!(Priority::parse(&priority.number().to_string()), Some(priority));
        assert_eq!(Priority::parse(priority.as_str()), Some(priority));
        assert!(priority.default_life() <= MAX_LIFE);
    }
    assert!(Priority::ALL.is_sorted_by(|first, second| first > second), "most urgent first");
}

#[test]
fn a_release_keeps_its_place_in_the_lane_and_lets_go_of_the_slot() {
    for attempt in [false, true] {
        let mut message = queued();
        message.state = State::Dispatched;
        message.slot = Some("s4".to_owned());
        message.slot_epoch = 4;
        let before = message.clone();
        message.release(NOW, "the agent is busy", Some(ahead(2)), attempt);
        let expected = Message {
            state: State::Queued,
            slot: None,
            reason: Some("the agent is busy".to_owned()),
            not_before: Some(ahead(2)),
            attempts: before.attempts + u32::from(attempt),
            timeline: message.timeline.clone(),
            ..before
        };
        assert_eq!(message, expected, "everything else is as it was, the epoch of the late answer too");
        let last = message.timeline.last().unwrap();
        assert_eq!((last.at, last.what.as_str(), last.why.as_str()), (NOW, "released", "the agent is busy"));
    }
}

#[test]
fn an_ended_message_says_when_and_why_and_holds_nothing() {
    for (state, reason) in [(State::Completed, ""), (State::Failed, "5 attempts"), (State::Dropped, "removed")] {
        let mut message = Message { slot: Some("s1".to_owned()), receipt: Some("r".to_owned()), ..queued() };
        message.finish(NOW, state, reason);
        assert_eq!((message.state, message.finished_at), (state, Some(NOW)));
        assert_eq!(message.reason.as_deref(), (!reason.is_empty()).then_some(reason));
        assert_eq!((message.slot.as_deref(), message.receipt.as_deref()), (None, Some("r")), "its pointer is to go");
        let told = message.timeline.last().unwrap();
        assert_eq!(told.what, "done");
        assert!(told.why.starts_with(state.as_str()) && told.why.ends_with(reason), "{told:?}");
    }
}

#[test]
fn a_failure_counts_the_delivery_that_it_died_of() {
    let mut message = Message { state: State::Dispatched, attempts: 4, ..queued() };
    message.fail(NOW, "5 attempts");
    assert_eq!((message.state, message.attempts, message.reason.as_deref()), (State::Failed, 5, Some("5 attempts")));
}

#[test]
fn only_the_same_ending_of_the_same_delivery_is_a_repeat() {
    let held = Message { state: State::Dispatched, slot_epoch: 4, ..queued() };
    let mut failed = held.clone();
    failed.fail(NOW, "broken");
    let mut completed = held.clone();
    completed.finish(NOW, State::Completed, "");
    for (message, epoch, state, reason, repeat) in [
        (&failed, 4, State::Failed, "broken", true),
        (&failed, 4, State::Failed, "other", false),
        (&failed, 3, State::Failed, "broken", false),
        (&failed, 4, State::Completed, "", false),
        (&completed, 4, State::Completed, "", true),
        (&completed, 5, State::Completed, "", false),
        (&completed, 4, State::Failed, "", false),
        (&held, 4, State::Dispatched, "", false),
    ] {
        assert_eq!(
            message.has_ended(epoch, state, reason),
            repeat,
            "{:?}: {epoch} {state:?} {reason:?}",
            message.state
        );
    }
}

#[test]
fn what_was_given_back_is_so_until_somebody_has_it_again() {
    let mut message = Message { state: State::Dispatched, slot_epoch: 4, receipt: Some("r".to_owned()), ..queued() };
    assert!(!message.is_released(4, "busy"));
    message.release(NOW, "busy", None, false);
    assert!(message.is_released(4, "busy"));
    assert!(!message.is_released(3, "busy") && !message.is_released(4, "other"));
    assert_eq!(
        (message.slot.as_deref(), message.receipt.as_deref()),
        (None, Some("r")),
        "its pointer is to be settled"
    );
    message.state = State::Dispatched;
    assert!(!message.is_released(4, "busy"));
}

#[test]
fn a_pointer_is_in_flight_for_as_long_as_the_longest_delivery() {
    let received = Message { receipt: Some("r".to_owned()), dispatched_at: Some(ago(60)), ..queued() };
    let seconds = std::time::Duration::from_secs;
    assert!(received.may_be_in_flight(NOW, seconds(60)) && !received.may_be_in_flight(NOW, seconds(59)));
    assert!(!Message { receipt: None, ..received }.may_be_in_flight(NOW, seconds(60)));
    assert!(!queued().may_be_in_flight(NOW, seconds(60)), "nobody has received it");
}

#[test]
fn only_what_ended_without_an_answer_and_without_a_wish_is_revived() {
    for state in ALL {
        let mut message = Message { state, attempts: 5, finished_at: Some(ago(1)), deadline: ago(2), ..queued() };
        let before = message.clone();
        let revived = message.replay(NOW, "admin");
        assert_eq!(revived, [State::Failed, State::Expired, State::Dropped].contains(&state), "{state:?}");
        if revived {
            assert_eq!((message.state, message.attempts, message.finished_at), (State::Queued, 0, None));
            assert!(message.deadline > NOW && message.send_epoch > before.send_epoch && message.sent_at == Some(NOW));
            assert_eq!((message.id, message.context_id), (before.id, before.context_id), "its place in its lane");
        } else {
            assert_eq!(message, before);
        }
    }
}

#[test]
fn callers_have_distinct_keys() {
    let callers = [
        Caller::Admin,
        Caller::Org("admin".to_owned()),
        Caller::System("admin".to_owned()),
        Caller::Workspace(crate::fixtures::ID),
    ];
    let keys: std::collections::BTreeSet<_> = callers.iter().map(Caller::key).collect();
    assert_eq!(keys.len(), callers.len());
}

proptest! {
    #[test]
    fn every_path_ends_once_and_is_answered_only_after_it_was_handed_out(tries in prop::collection::vec(select(ALL.to_vec()), 0..60)) {
        let mut path = vec![State::Queued];
        for to in tries {
            if path[path.len() - 1].may_become(to) {
                path.push(to);
            }
        }
        let ends = path.iter().filter(|state| state.is_terminal()).count();
        prop_assert!(ends <= 1);
        prop_assert!(ends == 0 || path[path.len() - 1].is_terminal());
        if let Some(at) = path.iter().position(|state| *state == State::Completed) {
            prop_assert!(matches!(path[at - 1], State::Dispatched | State::Delivered));
        }
        if let Some(at) = path.iter().position(|state| *state == State::Delivered) {
            prop_assert_eq!(path[at - 1], State::Dispatched);
        }
    }

    #[test]
    fn whatever_still_lives_can_be_ended(state in select(ALL.to_vec())) {
        for end in [State::Failed, State::Expired, State::Cancelled, State::Dropped] {
            prop_assert_eq!(state.may_become(end), !state.is_terminal());
        }
    }

    #[test]
    fn the_timeline_is_bounded_and_keeps_beginning_and_end(steps in 0_usize..200) {
        let mut message = queued();
        for step in 0..steps {
            message.note(ago(1000 - step as u64), &step.to_string(), "");
        }
        let kept: Vec<usize> = message.timeline.iter().map(|step| step.what.parse().unwrap()).collect();
        prop_assert_eq!(kept.len(), steps.min(MAX_TIMELINE));
        prop_assert!(kept.is_sorted_by(|first, second| first < second));
        if steps > 0 {
            prop_assert_eq!((kept[0], kept[kept.len() - 1]), (0, steps - 1));
        }
    }

    #[test]
    fn attempts_count_only_when_told(releases in prop::collection::vec(any::<bool>(), 0..20)) {
        let mut message = queued();
        let order = (message.id, message.accepted_at, message.context_id.clone(), message.send_epoch, message.sent_at);
        for attempt in &releases {
            message.state = State::Dispatched;
            message.release(NOW, "again", None, *attempt);
        }
        prop_assert_eq!(message.attempts as usize, releases.iter().filter(|attempt| **attempt).count());
        prop_assert_eq!(order, (message.id, message.accepted_at, message.context_id, message.send_epoch, message.sent_at));
    }
}
