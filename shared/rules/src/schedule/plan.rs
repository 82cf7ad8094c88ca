//! What is to be done about the fires of one schedule that are due: one step at a time, each with exactly one row in the
//! ledger, and each moves [`Schedule::next_fire`] on.

use std::collections::VecDeque;
use std::time::Duration;

use super::fire::Outcome;
use super::policy::{Catchup, Overlap};
use super::record::{Open, Schedule};
use crate::cron::Cron;
use crate::time::Timestamp;

/// A fire that is no later than this is in time, whatever the schedule says about catching up: a tick may be lost.
pub const ON_TIME: Duration = Duration::from_secs(120);
/// The longest time that is made up for.
const WINDOW: Duration = Duration::from_secs(3600);
/// The most fires that `catchup: all` makes up for.
pub const CATCH_UP_MOST: usize = 20;
/// The most fires of one schedule that wait or run at once.
pub const MOST_OPEN: usize = 20;
/// The most fires that one step settles.
const MOST_AT_ONCE: u32 = 100_000;

/// What is to be done next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing is due.
    Nothing,
    /// These fires are settled without a turn.
    Settle(Stretch),
    /// This fire is placed.
    Fire {
        /// Its nominal time.
        nominal: Timestamp,
        /// Where.
        placement: Placement,
        /// The nominal time after it.
        next: Option<Timestamp>,
    },
}

/// Fires in a row with one fate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// The first.
    pub from: Timestamp,
    /// The last.
    pub to: Timestamp,
    /// How many.
    pub count: u32,
    /// Missed or skipped.
    pub outcome: Outcome,
    /// Why.
    pub reason: String,
    /// The nominal time after them.
    pub next: Option<Timestamp>,
}

/// Where a fire is placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Placement {
    /// In the queue. The running turn of an earlier one is cancelled first, if there is one here.
    Queue(Option<Open>),
    /// In the place of an earlier fire that waits.
    TakeOver(Open),
}

/// The next step at `now`. `stopped` says why the workspace takes no fires.
pub fn step(schedule: &Schedule, cron: &Cron, stopped: Option<&str>, now: Timestamp) -> Step {
    let jitter = schedule.jitter();
    let is_due = |nominal: &Timestamp| *nominal + jitter <= now;
    let Some(first) = schedule.next_fire.filter(is_due) else { return Step::Nothing };
    let late = |nominal: Timestamp| now.since(nominal + jitter);
    if let Some(reason) = stopped {
        return Step::Settle(stretch(cron, first, |nominal| is_due(&nominal), Outcome::Skipped, reason.to_owned()));
    }
    let made_up = match schedule.policy.catchup {
        Catchup::All => newest_due(cron, first, is_due),
        _ => VecDeque::new(),
    };
    let caught = |nominal: Timestamp, next: Option<Timestamp>| {
        let newest = next.is_none_or(|next| !is_due(&next));
        late(nominal) <= ON_TIME
            || match schedule.policy.catchup {
                Catchup::None => false,
                Catchup::Latest => {
                    let interval = next.map_or(WINDOW, |next| next.since(nominal));
                    newest && late(nominal) <= interval.min(WINDOW)
                }
                Catchup::All => late(nominal) <= WINDOW && made_up.contains(&nominal),
            }
    };
    let next = cron.next_after(first);
    if caught(first, next) {
        return place(schedule, first, next);
    }
    let reason = format!("the platform did not look in time; it looked at {}", now.rfc3339());
    let missed = |nominal: Timestamp| is_due(&nominal) && !caught(nominal, cron.next_after(nominal));
    Step::Settle(stretch(cron, first, missed, Outcome::Missed, reason))
}

/// Fires whose nominal time is over and which are not due yet, by their jitter, when the schedule is edited: they are left
/// out, since an edit counts from now on.
pub fn passed(schedule: &Schedule, cron: &Cron, now: Timestamp) -> Option<Stretch> {
    let first = schedule.next_fire.filter(|nominal| *nominal <= now)?;
    let reason = "the schedule was edited before the fire was due".to_owned();
    Some(stretch(cron, first, |nominal| nominal <= now, Outcome::Skipped, reason))
}

/// Where a fire goes that is to be placed now; `next` follows it.
pub fn place(schedule: &Schedule, nominal: Timestamp, next: Option<Timestamp>) -> Step {
    let (waiting, running) = (schedule.waiting(), schedule.running());
    let skipped = |reason: String| {
        Step::Settle(Stretch { from: nominal, to: nominal, count: 1, outcome: Outcome::Skipped, reason, next })
    };
    let placement = match (schedule.policy.overlap, waiting.or(running)) {
        (_, None) => Placement::Queue(None),
        (Overlap::Skip, Some(open)) => {
            let does = if open.running { "runs" } else { "waits" };
            return skipped(format!("the fire of {} still {does}", open.nominal.rfc3339()));
        }
        (Overlap::BufferAll, Some(_)) if schedule.open.len() >= MOST_OPEN => {
            return skipped(format!("{MOST_OPEN} fires are open already"));
        }
        (Overlap::BufferAll, Some(_)) => Placement::Queue(None),
        (Overlap::Coalesce | Overlap::CancelRunning, Some(open)) if !open.running => Placement::TakeOver(open.clone()),
        (Overlap::Coalesce, Some(_)) => Placement::Queue(None),
        (Overlap::CancelRunning, Some(open)) => Placement::Queue(Some(open.clone())),
    };
    Step::Fire { nominal, placement, next }
}

/// Fires from `first` on, for as long as they belong together.
fn stretch(
    cron: &Cron,
    first: Timestamp,
    belongs: impl Fn(Timestamp) -> bool,
    outcome: Outcome,
    reason: String,
) -> Stretch {
    let (mut to, mut count, mut next) = (first, 1, cron.next_after(first));
    while let Some(nominal) = next.filter(|nominal| count < MOST_AT_ONCE && belongs(*nominal)) {
        (to, count, next) = (nominal, count + 1, cron.next_after(nominal));
    }
    Stretch { from: first, to, count, outcome, reason, next }
}

/// The newest fires that are due, as many as are made up for.
fn newest_due(cron: &Cron, first: Timestamp, is_due: impl Fn(&Timestamp) -> bool) -> VecDeque<Timestamp> {
    let mut newest = VecDeque::from([first]);
    for nominal in cron.fires_after(first).take_while(is_due) {
        newest.push_back(nominal);
        if newest.len() > CATCH_UP_MOST {
            newest.pop_front();
        }
    }
    newest
}
