use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::fixtures::{NOW, ago, ahead, queued};

fn attempted(attempts: u32) -> Message {
    Message { state: State::Dispatched, attempts, ..queued() }
}

/// The effect of an outcome, without its words.
#[derive(Debug, PartialEq)]
enum Effect {
    Complete,
    Await,
    /// Back into the lane after so many seconds, without an attempt.
    Back(u64),
    /// An attempt, and back into the lane after so many seconds.
    Attempt(u64),
    Fail,
}

fn effect(next: &Next) -> Effect {
    match next {
        Next::Complete => Effect::Complete,
        Next::Await(_) => Effect::Await,
        Next::Release { after, attempt: false, .. } => Effect::Back(after.as_secs()),
        Next::Release { after, attempt: true, .. } => Effect::Attempt(after.as_secs()),
        Next::Fail(_) => Effect::Fail,
    }
}

fn busy(retry_after: Option<u64>) -> Outcome {
    Outcome::Busy { retry_after: retry_after.map(Duration::from_secs) }
}

/// Every outcome, for an agent that does not de-duplicate and for one that does.
fn rows() -> Vec<(Outcome, Effect, Effect)> {
    use Effect::{Attempt, Await, Back, Complete};
    vec![
        (Outcome::Answered(200), Complete, Complete),
        (Outcome::Answered(404), Complete, Complete),
        (Outcome::Accepted, Await, Await),
        // Certainly not delivered: no attempt.
        (Outcome::Refused, Back(1), Back(1)),
        (Outcome::UrlRefused("private".to_owned()), Back(120), Back(120)),
        (Outcome::NoAddress, Back(1), Back(1)),
        (busy(None), Back(1), Back(1)),
        (busy(Some(0)), Back(0), Back(0)),
        (busy(Some(7)), Back(7), Back(7)),
        (busy(Some(86_400)), Back(120), Back(120)),
        (Outcome::Unauthorized(401), Back(1), Back(1)),
        // The agent got it and failed.
        (Outcome::ServerError(500), Attempt(1), Attempt(1)),
        (Outcome::Broken("not JSON".to_owned()), Attempt(1), Attempt(1)),
        // header_timeout_is_not_loss: delivered, or perhaps; sent again only where twice is harmless.
        (Outcome::TimedOut, Await, Attempt(1)),
        (Outcome::Lost("reset".to_owned()), Await, Attempt(1)),
    ]
}

fn outcomes() -> impl Strategy<Value = Outcome> {
    select(rows().into_iter().map(|(outcome, ..)| outcome).collect::<Vec<_>>())
}

#[test]
fn the_table_of_outcomes() {
    for (outcome, plain, dedupes) in rows() {
        assert_eq!(effect(&settle(&attempted(0), &outcome, 0, false)), plain, "{outcome:?}");
        assert_eq!(effect(&settle(&attempted(0), &outcome, 0, true)), dedupes, "{outcome:?}, de-duplicating");
    }
}

#[test]
fn the_fifth_attempt_is_the_last() {
    let failure = Outcome::ServerError(502);
    let effects: Vec<_> = (0..6).map(|attempts| effect(&settle(&attempted(attempts), &failure, 0, false))).collect();
    let expected =
        [Effect::Attempt(1), Effect::Attempt(2), Effect::Attempt(4), Effect::Attempt(8), Effect::Fail, Effect::Fail];
    assert_eq!(effects, expected);
    let Next::Fail(why) = settle(&attempted(4), &failure, 0, false) else { panic!("it ends") };
    assert!(why.contains("502") && why.contains("5 attempts"), "{why}");
}

#[test]
fn waits_double_to_two_minutes() {
    let seconds: Vec<_> = [0, 1, 2, 3, 6, 7, 8, u32::MAX].map(|tries| backoff(tries).as_secs()).into();
    assert_eq!(seconds, [1, 2, 4, 8, 64, 120, 120, 120]);
    assert_eq!(effect(&settle(&attempted(0), &busy(None), 3, false)), Effect::Back(8));
    assert_eq!(effect(&settle(&attempted(0), &Outcome::Refused, 9, false)), Effect::Back(120));
}

#[test]
fn the_gate_by_the_true_status_of_the_target() {
    for status in Status::ALL {
        let expected = match status {
            Status::Online | Status::Degraded => Gate::Open,
            Status::Removed => Gate::End(State::Dropped, "the workspace was removed".to_owned()),
            _ => Gate::Wait(format!("the workspace is {status}")),
        };
        assert_eq!(gate(&queued(), status, NOW), expected, "{status}");
    }
}

#[test]
fn the_gate_by_time() {
    for (name, deadline, not_before, opens) in [
        ("in time", ahead(1), None, "open"),
        ("at its deadline", NOW, None, "expired"),
        ("after it", ago(1), None, "expired"),
        ("at its earliest", ahead(9), Some(NOW), "open"),
        ("before it", ahead(9), Some(ahead(1)), "wait"),
        ("too early and too late", ago(1), Some(ahead(1)), "expired"),
    ] {
        let message = Message { deadline, not_before, ..queued() };
        for status in [Status::Online, Status::Paused] {
            let opens = if opens == "open" && status == Status::Paused { "wait" } else { opens };
            let got = match gate(&message, status, NOW) {
                Gate::Open => "open",
                Gate::Wait(_) => "wait",
                Gate::End(State::Expired, _) => "expired",
                Gate::End(state, _) => panic!("{name}: ends {state:?}"),
            };
            assert_eq!(got, opens, "{name}, {status}");
        }
    }
}

/// A pointer that comes back for a message that was cancelled, superseded or answered meanwhile.
#[test]
fn only_a_queued_message_passes_the_gate_and_no_other_changes_at_it() {
    for state in [State::Dispatched, State::Delivered, State::Completed, State::Cancelled, State::Coalesced] {
        let message = Message { state, deadline: ago(1), ..queued() };
        for status in Status::ALL {
            assert_eq!(gate(&message, status, NOW), Gate::End(state, "not queued".to_owned()), "{state:?}, {status}");
        }
    }
}

proptest! {
    #[test]
    fn attempts_never_pass_the_limit(tries in prop::collection::vec((outcomes(), any::<bool>()), 0..60)) {
        let (mut message, mut releases) = (attempted(0), 0);
        for (outcome, dedupes) in tries {
            match settle(&message, &outcome, releases, dedupes) {
                Next::Release { reason, after, attempt } => {
                    prop_assert!(after <= BUSY_BACKOFF_MAX && !reason.is_empty());
                    releases += u32::from(!attempt);
                    message.release(NOW, reason, None, attempt);
                    message.state = State::Dispatched;
                }
                Next::Fail(_) => {
                    prop_assert_eq!(message.attempts + 1, MAX_ATTEMPTS);
                    break;
                }
                Next::Complete | Next::Await(_) => break,
            }
            prop_assert!(message.attempts < MAX_ATTEMPTS);
        }
    }

    #[test]
    fn what_was_delivered_for_certain_or_perhaps_is_never_sent_twice(outcome in outcomes(), attempts in 0_u32..9, releases in 0_u32..99) {
        let doubtful = matches!(outcome, Outcome::Accepted | Outcome::TimedOut | Outcome::Lost(_));
        let again = matches!(settle(&attempted(attempts), &outcome, releases, false), Next::Release { .. });
        prop_assert!(!(doubtful && again));
    }
}

#[test]
fn a_lost_answer_is_asked_for_again_only_where_twice_is_harmless() {
    let message = |attempts, fetched| Message { fetched, ..attempted(attempts) };
    for (loss, fetched, dedupes, sent_again) in [
        (Loss::RanOut, false, false, false),
        (Loss::RanOut, true, false, true),
        (Loss::RanOut, false, true, true),
        (Loss::Idle, false, false, false),
        (Loss::Idle, false, true, true),
        (Loss::StartedAnew, false, false, true),
    ] {
        let effects =
            [0, MAX_ATTEMPTS - 1].map(|attempts| effect(&settle_lost(&message(attempts, fetched), loss, dedupes)));
        let first = if sent_again { Effect::Attempt(0) } else { Effect::Fail };
        assert_eq!(effects, [first, Effect::Fail], "{loss:?}, fetched {fetched}, de-duplicates {dedupes}");
    }
}

#[test]
fn two_idle_beats_sent_after_the_delivery_prove_its_answer_lost() {
    let beat = |seconds_ago, active_tasks| Beat { at: ago(seconds_ago), active_tasks, ..Beat::default() };
    let delivered = Message { state: State::Delivered, dispatched_at: Some(ago(100)), ..queued() };
    let dispatched =
        |seconds_ago| Message { state: State::Dispatched, dispatched_at: Some(ago(seconds_ago)), ..queued() };
    let hold = Duration::from_secs(840);
    let delayed = Beat { sent_at: Some(ago(101)), ..beat(60, 0) };
    for (name, message, before, last, lost) in [
        ("both idle, both after it", delivered.clone(), beat(60, 0), beat(30, 0), true),
        ("the first was sent before it", delivered.clone(), delayed, beat(30, 0), false),
        ("the first was before it", delivered.clone(), beat(100, 0), beat(30, 0), false),
        ("the first at work", delivered.clone(), beat(60, 1), beat(30, 0), false),
        ("at work now", delivered.clone(), beat(60, 0), beat(30, 1), false),
        ("fetched: its lease says", Message { fetched: true, ..delivered }, beat(60, 0), beat(30, 0), false),
        ("the platform still waits for it", dispatched(100), beat(60, 0), beat(30, 0), false),
        ("nobody waits for it any more", dispatched(901), beat(60, 0), beat(30, 0), true),
        ("not handed out", queued(), beat(60, 0), beat(30, 0), false),
    ] {
        assert_eq!(is_lost_to_idleness(&message, &before, &last, hold, NOW), lost, "{name}");
    }
}
