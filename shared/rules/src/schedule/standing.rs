//! How a schedule stands, in a word for lists.

use std::time::Duration;

use serde::Serialize;

use super::record::Schedule;
use crate::time::Timestamp;

/// The word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = ScheduleStanding)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Switched off.
    Disabled,
    /// Two fires in a row did not start.
    Starved,
    /// No fire was placed yet.
    NeverRun,
    /// The last one was placed too long ago.
    Stale,
    /// None of these.
    Ok,
}

/// How it stands, and after what time without a fire it is stale: twice the time between its next two fires; zero where
/// there are none.
pub fn standing(schedule: &Schedule, now: Timestamp) -> (Standing, Duration) {
    let next: Vec<Timestamp> = schedule.cron().map(|cron| cron.fires_after(now).take(2).collect()).unwrap_or_default();
    let threshold = match next.as_slice() {
        [one, other] => other.since(*one) * 2,
        _ => Duration::ZERO,
    };
    let late = |last: Timestamp| !threshold.is_zero() && now.since(last) > threshold;
    let standing = match (schedule.enabled, schedule.starving_since(), schedule.last_run_at) {
        (false, ..) => Standing::Disabled,
        (_, Some(_), _) => Standing::Starved,
        (_, _, None) => Standing::NeverRun,
        (_, _, Some(last)) if late(last) => Standing::Stale,
        _ => Standing::Ok,
    };
    (standing, threshold)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{NOW, ago, schedule};
    use crate::schedule::NotFired;

    #[test]
    fn the_first_word_that_fits() {
        let ran = |seconds| crate::schedule::Schedule { last_run_at: Some(ago(seconds)), ..schedule() };
        let starved = Schedule { not_fired: Some(NotFired { since: ago(9000), count: 2 }), ..ran(10) };
        for (schedule, expected) in [
            (Schedule { enabled: false, ..starved.clone() }, Standing::Disabled),
            (starved, Standing::Starved),
            (schedule(), Standing::NeverRun),
            (ran(3600), Standing::Ok),
            (ran(3601), Standing::Stale),
        ] {
            assert_eq!(standing(&schedule, NOW), (expected, Duration::from_secs(3600)));
        }
    }
}
