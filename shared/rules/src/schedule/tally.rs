//! How many fires had which fate, by hour and by day, kept on the schedule: what the ledger would say, without reading it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::fire::Outcome;
use crate::time::Timestamp;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// Hours that can lie within the last 24.
const HOURS: usize = 25;
/// Days that can lie within the last 7.
const DAYS: usize = 8;

/// Settled fires by the time that they were meant for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    #[serde(default)]
    hours: Vec<Bucket>,
    #[serde(default)]
    days: Vec<Bucket>,
}

/// Of one hour or one day since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Bucket {
    #[serde(rename = "n")]
    number: i64,
    #[serde(rename = "s")]
    settled: u32,
    #[serde(rename = "f")]
    fired: u32,
}

/// How many of the fires of a stretch of time fired.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Coverage {
    /// Fires with an outcome.
    pub nominal: u32,
    /// Of these, the ones that fired.
    pub fired: u32,
    /// Fired by nominal; none where there were none.
    pub coverage: Option<f64>,
}

impl Tally {
    /// Counts fires that were settled.
    pub fn count(&mut self, nominal: Timestamp, count: u32, outcome: Outcome) {
        let fired = if outcome == Outcome::Fired { count } else { 0 };
        add(&mut self.hours, nominal.millis().div_euclid(HOUR), count, fired, HOURS);
        add(&mut self.days, nominal.millis().div_euclid(DAY), count, fired, DAYS);
    }

    /// Over the last 24 hours, to the hour.
    pub fn day(&self, now: Timestamp) -> Coverage {
        let from = now - Duration::from_secs(24 * 3600);
        sum(&self.hours, from.millis().div_euclid(HOUR))
    }

    /// Over the last 7 days, to the day.
    pub fn week(&self, now: Timestamp) -> Coverage {
        let from = now - Duration::from_secs(7 * 24 * 3600);
        sum(&self.days, from.millis().div_euclid(DAY))
    }
}

fn add(buckets: &mut Vec<Bucket>, number: i64, settled: u32, fired: u32, most: usize) {
    let place = buckets.partition_point(|bucket| bucket.number < number);
    match buckets.get_mut(place).filter(|bucket| bucket.number == number) {
        Some(bucket) => {
            bucket.settled = bucket.settled.saturating_add(settled);
            bucket.fired = bucket.fired.saturating_add(fired);
        }
        None => buckets.insert(place, Bucket { number, settled, fired }),
    }
    let surplus = buckets.len().saturating_sub(most);
    buckets.drain(..surplus);
}

fn sum(buckets: &[Bucket], from: i64) -> Coverage {
    let recent = || buckets.iter().filter(|bucket| bucket.number >= from);
    let nominal = recent().map(|bucket| bucket.settled).fold(0, u32::saturating_add);
    let fired = recent().map(|bucket| bucket.fired).fold(0, u32::saturating_add);
    let coverage = (nominal > 0).then(|| f64::from(fired) / f64::from(nominal));
    Coverage { nominal, fired, coverage }
}
