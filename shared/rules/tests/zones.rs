//! The next-fire rule against a slow walk over minutes that shares nothing with it but the time zone database: every zone,
//! 1990 to 2040, around every clock change; and whole decades, for leap days, month ends and days of the week.
//!
//! `ZONES_FULL=1` walks every minute of every zone.
#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::collections::BTreeMap;
use std::sync::Mutex;

use jiff::Timestamp as Instant;
use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use rules::Timestamp;
use rules::cron::Cron;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// 1990-01-01 and 2041-01-01, in Unix seconds.
const FIRST: i64 = 631_152_000;
const LAST: i64 = 2_240_611_200;
/// Longer than any clock change.
const AROUND: i64 = 30 * HOUR;

const EXPRESSIONS: [&str; 14] = [
    "30 2 * * *",
    "0 0 * * *",
    "15 1,2,3 * * *",
    "0,20,40 0-5 * * *",
    "59 23 * * *",
    "*/30 * * * *",
    "45 * * * *",
    "*/7 2 * * *",
    "0 */3 * * *",
    "10-50/20 1-3 * * *",
    "30 2 1-7 * 0",
    "30 1 */2 * 0",
    "0 2 29,30,31 * *",
    "0 3 * 3,10 SUN",
];

/// An expression read by other means: one bit per value.
struct Walked {
    fields: [u64; 5],
    /// Day of month and day of week must both match.
    both: bool,
    fixed: bool,
}

impl Walked {
    fn read(expression: &str) -> Self {
        let texts: Vec<&str> = expression.split(' ').collect();
        let ranges = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 6)];
        let mut fields = [0; 5];
        for (place, (text, range)) in texts.iter().zip(ranges).enumerate() {
            fields[place] =
                text.replace("SUN", "0").split(',').map(|part| bits(part, range)).fold(0, |all, bits| all | bits);
        }
        Self {
            fields,
            both: texts[2].starts_with('*') || texts[4].starts_with('*'),
            fixed: !texts[..2].concat().contains(['*', '/']),
        }
    }

    fn matches(&self, local: DateTime) -> bool {
        let has = |field: usize, value: i8| self.fields[field] >> value & 1 == 1;
        if local.second() != 0 || !has(0, local.minute()) || !has(1, local.hour()) || !has(3, local.month()) {
            return false;
        }
        let (day, weekday) = (has(2, local.day()), has(4, local.weekday().to_sunday_zero_offset()));
        if self.both { day && weekday } else { day || weekday }
    }
}

fn bits(part: &str, (first, last): (u32, u32)) -> u64 {
    let (range, step) = part.split_once('/').unwrap_or((part, "1"));
    let (from, to) = match range {
        "*" => (first, last),
        _ => {
            let (from, to) = range.split_once('-').unwrap_or((range, range));
            (from.parse().unwrap(), to.parse().unwrap())
        }
    };
    (from..=to).step_by(step.parse().unwrap()).fold(0, |bits, value| bits | 1 << value)
}

fn local(zone: &TimeZone, second: i64) -> DateTime {
    zone.to_datetime(Instant::from_second(second).unwrap())
}

/// All fires of all expressions in `from..to`, by looking at every minute. A clock that jumps forward has skipped the
/// minutes between; one that jumped back shows minutes that it has shown.
fn walk(zone: &TimeZone, walked: &[Walked], from: i64, to: i64) -> Vec<Vec<i64>> {
    let mut fires = vec![Vec::new(); walked.len()];
    let mut before = local(zone, from - MINUTE);
    let mut latest = before;
    for second in (from..to).step_by(60) {
        let now = local(zone, second);
        let jumped = before.duration_until(now).as_secs() != MINUTE;
        let seen = now <= latest;
        for (expression, fires) in walked.iter().zip(&mut fires) {
            let skipped = || {
                let mut skipped = latest;
                std::iter::from_fn(|| {
                    skipped = skipped.checked_add(jiff::ToSpan::minute(1)).unwrap();
                    (skipped < now).then_some(skipped)
                })
                .any(|skipped| expression.matches(skipped))
            };
            let due = match expression.fixed {
                true => !seen && (expression.matches(now) || jumped && skipped()),
                false => expression.matches(now),
            };
            if due {
                fires.push(second);
            }
        }
        before = now;
        latest = latest.max(now);
    }
    fires
}

/// Compares, and returns how many fires there were.
fn compare(name: &str, zone: &TimeZone, crons: &[(Cron, &str)], walked: &[Walked], from: i64, to: i64) -> usize {
    let mut count = 0;
    for ((cron, expression), walked) in crons.iter().zip(walk(zone, walked, from, to)) {
        let start = Timestamp::from_millis((from - 1) * 1000);
        let fires: Vec<i64> =
            cron.fires_after(start).map(|fire| fire.millis() / 1000).take_while(|fire| *fire < to).collect();
        assert_eq!(fires, walked, "{expression} in {name} from {from} to {to}");
        count += fires.len();
    }
    count
}

fn changes(zone: &TimeZone) -> Vec<(i64, i32)> {
    let from = Instant::from_second(FIRST - DAY).unwrap();
    let mut offset = zone.to_offset(from).seconds();
    let mut changes = vec![(FIRST - DAY, offset)];
    for change in zone.following(from).take_while(|change| change.timestamp().as_second() < LAST) {
        if change.offset().seconds() != offset {
            offset = change.offset().seconds();
            changes.push((change.timestamp().as_second(), offset));
        }
    }
    changes
}

/// Stretches around the changes, joined where they overlap; at least one.
fn windows(changes: &[(i64, i32)]) -> Vec<(i64, i64)> {
    if std::env::var_os("ZONES_FULL").is_some() {
        return vec![(FIRST, LAST)];
    }
    let mut windows: Vec<(i64, i64)> = Vec::new();
    for (change, _) in changes {
        let minute = change.div_euclid(MINUTE) * MINUTE;
        let (from, to) = (minute - AROUND, minute + AROUND);
        match windows.last_mut() {
            Some(last) if from <= last.1 => last.1 = to,
            _ => windows.push((from, to)),
        }
    }
    windows
}

/// Does `work` for each item, on all processors.
fn on_all<T: Send>(items: Vec<T>, work: impl Fn(T) + Sync) {
    let items = Mutex::new(items);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(item) = { items.lock().unwrap().pop() } {
                    work(item);
                }
            });
        }
    });
}

#[test]
fn every_zone_fires_as_a_walk_over_minutes_does() {
    let names: Vec<String> = TimeZoneDatabase::bundled().available().map(|name| name.as_str().to_owned()).collect();
    assert!(names.len() > 500, "{} zones", names.len());
    // Many names stand for the same clock: each clock is walked once.
    let mut clocks: BTreeMap<Vec<(i64, i32)>, String> = BTreeMap::new();
    let zones = names.len();
    for name in names {
        let zone = TimeZoneDatabase::bundled().get(&name).unwrap();
        clocks.entry(changes(&zone)).or_insert(name);
    }
    let (distinct, total) = (clocks.len(), Mutex::new((0, 0)));
    on_all(clocks.into_iter().collect(), |(changes, name)| {
        let zone = TimeZoneDatabase::bundled().get(&name).unwrap();
        let walked = EXPRESSIONS.map(Walked::read);
        let crons = EXPRESSIONS.map(|expression| (Cron::new(expression, &name).unwrap(), expression));
        for (from, to) in windows(&changes) {
            let fires = compare(&name, &zone, &crons, &walked, from, to);
            let mut total = total.lock().unwrap();
            *total = (total.0 + 1, total.1 + fires);
        }
    });
    let (windows, fires) = total.into_inner().unwrap();
    println!("{zones} zones, {distinct} clocks, {windows} stretches, {fires} fires compared");
}

#[test]
fn decades_fire_as_a_walk_over_minutes_does() {
    let expressions = [
        "0 0 29 2 *",
        "30 6 31 * *",
        "0 12 13 * 5",
        "0 12 */3 * 5",
        "5 4 1,15 */2 1-5",
        "0 22 28-31 2,4 0",
        "0 0 * * 0",
    ];
    let jobs = ["UTC", "America/New_York"];
    let total = Mutex::new(0);
    on_all(jobs.to_vec(), |name| {
        let zone = TimeZoneDatabase::bundled().get(name).unwrap();
        let walked = expressions.map(Walked::read);
        let crons = expressions.map(|expression| (Cron::new(expression, name).unwrap(), expression));
        // 2019 to 2029.
        *total.lock().unwrap() += compare(name, &zone, &crons, &walked, 1_546_300_800, 1_861_920_000);
    });
    println!("{} fires compared", total.into_inner().unwrap());
}
