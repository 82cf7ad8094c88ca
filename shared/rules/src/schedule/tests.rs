use std::time::Duration;

use uuid::Uuid;

use super::*;
use crate::cron::Cron;
use crate::fixtures::{ID, queued};
use crate::id::{MessageId, ScheduleId};
use crate::message::State;
use crate::time::Timestamp;

pub(super) fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(&format!("2026-11-25T{text}Z")).unwrap()
}

pub(super) fn schedule(cron_expr: &str, policy: Policy, next_fire: &str) -> Schedule {
    let cron = Cron::new(cron_expr, "UTC").unwrap();
    let id = ScheduleId::new(Uuid::from_u128(7));
    let schedule = Schedule::new(id, ID, "check".to_owned(), &cron, at("00:00:00"));
    Schedule { policy, next_fire: Some(at(next_fire)), ..schedule }
}

fn open(nominal: &str, running: bool) -> Open {
    Open { nominal: at(nominal), queue_id: MessageId::new(Uuid::from_u128(9)), running, manual: false }
}

fn catching(catchup: Catchup) -> Policy {
    Policy { catchup, ..Policy::default() }
}

fn meeting(overlap: Overlap) -> Policy {
    Policy { overlap, ..Policy::default() }
}

fn told(step: &Step) -> String {
    let short = |at: Timestamp| at.rfc3339()[11..16].to_owned();
    match step {
        Step::Nothing => "nothing".to_owned(),
        Step::Settle(Stretch { from, to, count, outcome, .. }) if from == to => {
            assert_eq!(*count, 1);
            format!("{} {}", outcome.as_str(), short(*from))
        }
        Step::Settle(Stretch { from, to, count, outcome, .. }) => {
            format!("{} {}-{} ({count})", outcome.as_str(), short(*from), short(*to))
        }
        Step::Fire { nominal, placement: Placement::Queue(None), .. } => format!("queue {}", short(*nominal)),
        Step::Fire { nominal, placement: Placement::Queue(Some(open)), .. } => {
            format!("queue {}, cancel {}", short(*nominal), short(open.nominal))
        }
        Step::Fire { nominal, placement: Placement::TakeOver(open), .. } => {
            format!("{} for {}", short(*nominal), short(open.nominal))
        }
    }
}

/// Steps until nothing is due, each placed fire ending at once.
fn steps(mut schedule: Schedule, stopped: Option<&str>, now: &str) -> Vec<String> {
    let cron = schedule.cron().unwrap();
    let mut steps = Vec::new();
    loop {
        let step = step(&schedule, &cron, stopped, at(now));
        match &step {
            Step::Nothing => return steps,
            Step::Settle(Stretch { next, .. }) | Step::Fire { next, .. } => schedule.next_fire = *next,
        }
        steps.push(told(&step));
    }
}

#[test]
fn what_is_due_is_placed_and_what_is_too_late_is_missed() {
    let (latest, none, all) = (catching(Catchup::Latest), catching(Catchup::None), catching(Catchup::All));
    for (name, expression, policy, next, now, expected) in [
        ("not yet", "*/30 * * * *", latest, "07:30:00", "07:29:59", vec![]),
        ("on time", "*/30 * * * *", latest, "07:30:00", "07:30:00", vec!["queue 07:30"]),
        ("a tick late", "*/30 * * * *", none, "07:30:00", "07:32:00", vec!["queue 07:30"]),
        ("two in time", "* * * * *", none, "07:30:00", "07:31:05", vec!["queue 07:30", "queue 07:31"]),
        ("late, none made up", "*/30 * * * *", none, "07:30:00", "07:32:01", vec!["missed 07:30"]),
        ("late, made up", "*/30 * * * *", latest, "07:30:00", "07:59:59", vec!["queue 07:30"]),
        ("hours down", "*/30 * * * *", latest, "07:30:00", "11:29:00", vec!["missed 07:30-10:30 (7)", "queue 11:00"]),
        ("hours down, none", "*/30 * * * *", none, "07:30:00", "11:29:00", vec!["missed 07:30-11:00 (8)"]),
        (
            "hours down, just now",
            "*/30 * * * *",
            none,
            "07:30:00",
            "11:00:10",
            vec!["missed 07:30-10:30 (7)", "queue 11:00"],
        ),
        (
            "hours down, all",
            "*/30 * * * *",
            all,
            "07:30:00",
            "11:29:00",
            vec!["missed 07:30-10:00 (6)", "queue 10:30", "queue 11:00"],
        ),
        (
            "at most 20",
            "* * * * *",
            all,
            "07:30:00",
            "08:00:30",
            [
                vec!["missed 07:30-07:40 (11)".to_owned()],
                (41..60).map(|m| format!("queue 07:{m}")).collect(),
                vec!["queue 08:00".to_owned()],
            ]
            .concat()
            .into_iter()
            .map(|text| &*text.leak())
            .collect(),
        ),
        ("an hour at most", "0 7 * * *", latest, "07:00:00", "08:00:00", vec!["queue 07:00"]),
        ("more than an hour", "0 7 * * *", latest, "07:00:00", "08:00:01", vec!["missed 07:00"]),
    ] {
        assert_eq!(steps(schedule(expression, policy, next), None, now), expected, "{name}");
    }
}

#[test]
fn a_stopped_workspace_skips() {
    let one = schedule("*/30 * * * *", Policy::default(), "07:30:00");
    assert_eq!(steps(one.clone(), Some("paused"), "07:30:00"), ["skipped 07:30"]);
    assert_eq!(steps(one, Some("paused"), "09:00:00"), ["skipped 07:30-09:00 (4)"]);
}

#[test]
fn a_fire_that_meets_an_open_one() {
    for (name, overlap, open_ones, expected) in [
        ("nothing open", Overlap::Skip, vec![], "queue 07:30"),
        ("coalesce with a waiting one", Overlap::Coalesce, vec![open("07:00:00", false)], "07:30 for 07:00"),
        ("wait behind a running one", Overlap::Coalesce, vec![open("07:00:00", true)], "queue 07:30"),
        (
            "running and waiting",
            Overlap::Coalesce,
            vec![open("06:30:00", true), open("07:00:00", false)],
            "07:30 for 07:00",
        ),
        ("skip, waiting", Overlap::Skip, vec![open("07:00:00", false)], "skipped 07:30"),
        ("skip, running", Overlap::Skip, vec![open("07:00:00", true)], "skipped 07:30"),
        ("buffer", Overlap::BufferAll, vec![open("07:00:00", false), open("07:10:00", false)], "queue 07:30"),
        ("buffer, full", Overlap::BufferAll, vec![open("07:00:00", false); MOST_OPEN], "skipped 07:30"),
        ("cancel", Overlap::CancelRunning, vec![open("07:00:00", true)], "queue 07:30, cancel 07:00"),
        ("cancel, still waiting", Overlap::CancelRunning, vec![open("07:00:00", false)], "07:30 for 07:00"),
    ] {
        let schedule = Schedule { open: open_ones, ..schedule("*/30 * * * *", meeting(overlap), "07:30:00") };
        let step = step(&schedule, &schedule.cron().unwrap(), None, at("07:30:00"));
        assert_eq!(told(&step), expected, "{name}");
    }
}

#[test]
fn jitter_is_the_same_for_each_fire_and_delays_it() {
    let policy = Policy { jitter_seconds: 600, ..Policy::default() };
    let schedule = schedule("*/30 * * * *", policy, "07:30:00");
    let jitter = schedule.jitter();
    assert!(jitter > Duration::ZERO && jitter <= Duration::from_secs(600), "{jitter:?}");
    assert_eq!(schedule.due(), Some(at("07:30:00") + jitter));
    let cron = schedule.cron().unwrap();
    assert_eq!(step(&schedule, &cron, None, at("07:30:00") + jitter - Duration::from_millis(1)), Step::Nothing);
    assert_eq!(told(&step(&schedule, &cron, None, at("07:30:00") + jitter)), "queue 07:30");
}

#[test]
fn two_fires_in_a_row_that_do_not_start_are_starvation() {
    let mut schedule = schedule("*/30 * * * *", Policy::default(), "08:00:00");
    schedule.open.push(open("07:00:00", false));
    assert_eq!((schedule.consecutive_not_fired(), schedule.starving_since()), (1, None));
    schedule.settle(at("07:00:00"), 1, Outcome::Coalesced, Some("why"), false);
    schedule.open[0].nominal = at("07:30:00");
    assert_eq!((schedule.consecutive_not_fired(), schedule.starving_since()), (2, Some(at("07:00:00"))));
    let id = schedule.open[0].queue_id;
    schedule.begin(id);
    assert_eq!((schedule.consecutive_not_fired(), schedule.starving_since()), (0, None));
    schedule.close(id, Outcome::Fired, None);
    assert!(schedule.open.is_empty());
    let day = schedule.tally.day(at("08:00:00"));
    assert_eq!((day.nominal, day.fired, day.coverage), (2, 1, Some(0.5)));
}

#[test]
fn coverage_forgets_what_is_old() {
    let mut tally = Tally::default();
    let now = at("12:00:00");
    for hours in 0..24 * 30 {
        let outcome = if hours % 2 == 0 { Outcome::Fired } else { Outcome::Missed };
        tally.count(now - Duration::from_secs(3600 * (24 * 30 - hours)), 1, outcome);
    }
    assert_eq!((tally.day(now).nominal, tally.day(now).coverage), (24, Some(0.5)));
    assert_eq!((tally.week(now).nominal, tally.week(now).coverage), (24 * 7 + 12, Some(0.5)));
    let later = now + Duration::from_secs(3600 * 24 * 40);
    assert_eq!((tally.day(later).nominal, tally.week(later).coverage), (0, None));
}

#[test]
fn a_row_follows_its_message() {
    let mut message = queued();
    let schedule = schedule("0 7 * * *", Policy::default(), "07:00:00");
    let mut fire = Fire::new(&schedule, at("07:00:00"), Trigger::Cron, at("07:00:01"));
    for (state, result, outcome) in [
        (State::Queued, Err(""), Outcome::Pending),
        (State::Dispatched, Err(""), Outcome::Running),
        (State::Delivered, Err(""), Outcome::Running),
        (State::Completed, Ok("done"), Outcome::Fired),
        (State::Completed, Err("no key"), Outcome::Failed),
        (State::Failed, Err(""), Outcome::Failed),
        (State::Expired, Err(""), Outcome::Missed),
        (State::Cancelled, Err(""), Outcome::Failed),
        (State::Dropped, Err(""), Outcome::Failed),
    ] {
        message.state = state;
        message.reason = Some("because".to_owned());
        fire.follow(&message, result, at("07:00:05"));
        assert_eq!(fire.outcome, outcome, "{state:?}");
        assert_eq!(fire.finished_at.is_some(), outcome.is_settled(), "{state:?}");
        let reason = match (outcome, result) {
            (Outcome::Fired, _) => None,
            (_, Err("no key")) => Some("no key"),
            _ => Some("because"),
        };
        assert_eq!(fire.reason.as_deref(), reason, "{state:?}");
        assert_eq!(fire.preview.as_deref(), (outcome == Outcome::Fired).then_some("done"), "{state:?}");
        fire.finished_at = None;
    }
    assert_eq!((fire.lateness(), fire.wait(at("07:00:09"))), (Duration::from_secs(1), Some(Duration::from_secs(4))));
}
