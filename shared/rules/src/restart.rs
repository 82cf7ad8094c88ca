//! When a workspace is started again: at once, after a pause, once more, or not at all.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// The longest pause between two restarts.
pub const LONGEST_BACKOFF: Duration = Duration::from_secs(300);

/// The settings of restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A silent agent whose engine says that it runs is restarted after this.
    pub silence: Duration,
    /// Pause before the second restart in a row; the first is at once.
    pub backoff: Duration,
    /// A restart that is asked for so soon after a start changes nothing.
    pub debounce: Duration,
    /// Restarts in a row before giving up.
    pub attempts: u32,
    /// A start that lived for this long begins a new count.
    pub stable_after: Duration,
}

/// What follows the death of a runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Next {
    /// It is started again then.
    RestartAt(Timestamp),
    /// It died too often in a row.
    GiveUp,
}

/// What follows when a runtime that was started at `started` is seen to be dead, after `deaths` deaths in a row before it;
/// with it, the count from now on. The first restart is at once; then 10 s · 2ⁿ up to 5 minutes.
pub fn after_death(deaths: u32, started: Timestamp, now: Timestamp, limits: Limits) -> (Next, u32) {
    let before = if now.since(started) >= limits.stable_after { 0 } else { deaths };
    let count = before + 1;
    if count > limits.attempts {
        return (Next::GiveUp, count);
    }
    (Next::RestartAt(now + backoff(before, limits.backoff)), count)
}

/// The pause before the restart that follows `before` deaths in a row.
fn backoff(before: u32, first: Duration) -> Duration {
    match before {
        0 => Duration::ZERO,
        before => first.saturating_mul(1 << (before - 1).min(16)).min(LONGEST_BACKOFF),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        silence: Duration::from_secs(180),
        backoff: Duration::from_secs(10),
        debounce: Duration::from_secs(5),
        attempts: 5,
        stable_after: Duration::from_secs(300),
    };

    #[test]
    fn the_first_restart_is_at_once_then_pauses_double_and_then_it_is_a_crash_loop() {
        let (mut now, mut deaths) = (Timestamp::from_millis(1_000_000), 0);
        let mut pauses = Vec::new();
        loop {
            let (next, count) = after_death(deaths, now, now, LIMITS);
            deaths = count;
            let Next::RestartAt(at) = next else { break };
            pauses.push(at.since(now).as_secs());
            now = at;
        }
        assert_eq!(pauses, [0, 10, 20, 40, 80]);
        assert_eq!(deaths, 6);
    }

    #[test]
    fn one_that_lived_long_enough_begins_a_new_count() {
        let started = Timestamp::from_millis(1_000_000);
        for (lived, count) in [(299, 5), (300, 1), (100_000, 1)] {
            let now = started + Duration::from_secs(lived);
            assert_eq!(after_death(4, started, now, LIMITS).1, count, "{lived} s");
        }
        assert_eq!(after_death(99, started, started + LIMITS.stable_after, LIMITS).1, 1);
    }

    #[test]
    fn no_pause_is_longer_than_five_minutes() {
        let limits = Limits { attempts: 1000, ..LIMITS };
        let now = Timestamp::from_millis(0);
        for deaths in [6, 20, 900] {
            assert_eq!(after_death(deaths, now, now, limits).0, Next::RestartAt(now + LONGEST_BACKOFF), "{deaths}");
        }
    }
}
