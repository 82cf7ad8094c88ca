//! What must hold of every ledger.

use std::collections::BTreeMap;
use std::time::Duration;

use rules::cron::Cron;
use rules::schedule::{Catchup, Fire, ON_TIME, Outcome, Schedule, Trigger};
use rules::{ScheduleId, Timestamp, WorkspaceId};

use crate::fleet::Fleet;

/// A schedule and how it was set over time.
pub struct Watched {
    pub workspace: WorkspaceId,
    pub id: ScheduleId,
    pub owner: usize,
    pub eras: Vec<Era>,
}

/// When it fired from one edit to the next.
pub struct Era {
    pub revision: u64,
    cron: Cron,
    enabled: bool,
    jitter: Duration,
    from: Timestamp,
    pub until: Option<Timestamp>,
}

impl Era {
    pub fn of(record: &Schedule, from: Timestamp) -> Self {
        Self {
            revision: record.revision,
            cron: record.cron().unwrap(),
            enabled: record.enabled,
            jitter: record.jitter(),
            from,
            until: None,
        }
    }

    /// The nominal fires of this era; of the last one, those that are due at `now`.
    fn nominal(&self, now: Timestamp) -> Vec<Timestamp> {
        if !self.enabled {
            return Vec::new();
        }
        let is_over = |at: &Timestamp| self.until.map_or(*at + self.jitter <= now, |until| *at <= until);
        self.cron.fires_after(self.from).take_while(is_over).collect()
    }
}

/// What the runs covered.
#[derive(Debug, Default)]
pub struct Count {
    pub nominal: usize,
    pub rows: usize,
    pub outcomes: BTreeMap<&'static str, u32>,
    pub double_ticks: usize,
    pub lost_ticks: usize,
    pub outages: usize,
    pub edits: usize,
    pub pauses: usize,
    pub days: u64,
}

impl Count {
    pub fn add(&mut self, other: &Self) {
        self.nominal += other.nominal;
        self.rows += other.rows;
        for (outcome, count) in &other.outcomes {
            *self.outcomes.entry(outcome).or_default() += count;
        }
        self.double_ticks += other.double_ticks;
        self.lost_ticks += other.lost_ticks;
        self.outages += other.outages;
        self.edits += other.edits;
        self.pauses += other.pauses;
        self.days += other.days;
    }
}

/// Reads every ledger and checks it.
///
/// # Panics
/// With the seed and what is wrong.
pub async fn check(seed: u64, fleet: &Fleet) -> Count {
    let now = fleet.world.platform.now();
    let mut count = Count { days: now.since(tests::world::BEGIN).as_secs() / 86_400, ..Count::default() };
    count.double_ticks = fleet.count.double_ticks;
    count.lost_ticks = fleet.count.lost_ticks;
    count.outages = fleet.count.outages;
    count.edits = fleet.count.edits;
    count.pauses = fleet.count.pauses;
    for watched in &fleet.watched {
        let store = &fleet.world.platform.store;
        let record = store.schedule(watched.workspace, watched.id).await.unwrap().unwrap();
        let told = format!("seed {seed}, {} of {} ({:?})", watched.id, watched.owner, record.cron());
        let mut rows = all_rows(fleet, watched).await;
        rows.retain(|row| row.trigger == Trigger::Cron);
        rows.sort_by_key(|row| row.nominal);
        let expected: Vec<Timestamp> = watched.eras.iter().flat_map(|era| era.nominal(now)).collect();
        let mut found = Vec::new();
        for row in &rows {
            let stretch: Vec<_> = expected.iter().copied().filter(|at| (row.nominal..=row.to).contains(at)).collect();
            assert_eq!(stretch.len(), row.count as usize, "{told}: {row:?} stands for as many fires as it says");
            found.extend(stretch);
            check_row(&told, watched, &record, row);
            *count.outcomes.entry(row.outcome.as_str()).or_default() += row.count;
        }
        assert_eq!(found, expected, "{told}: each nominal fire has one row");
        check_order(&told, &rows);
        count.nominal += expected.len();
        count.rows += rows.len();
    }
    count
}

async fn all_rows(fleet: &Fleet, watched: &Watched) -> Vec<Fire> {
    let (mut rows, mut before): (Vec<Fire>, _) = (Vec::new(), None);
    loop {
        let store = &fleet.world.platform.store;
        let oldest = Timestamp::from_millis(0);
        let page = store.fires(watched.workspace, watched.id, before, oldest, 500).await.unwrap();
        let Some(last) = page.last() else { return rows };
        before = Some(last.nominal);
        rows.extend(page);
    }
}

fn check_row(told: &str, watched: &Watched, record: &Schedule, row: &Fire) {
    let era = watched.eras.iter().rev().find(|era| era.from < row.nominal).unwrap();
    let due = row.to + era.jitter;
    let left_out = row.outcome == Outcome::Skipped && era.until == Some(row.placed_at);
    assert!(row.placed_at >= due || left_out, "{told}: {row:?} is not early");
    assert!(row.outcome.is_settled(), "{told}: {row:?} is settled in the end");
    if row.outcome == Outcome::Fired {
        let late = row.placed_at.since(due);
        let window = match record.policy.catchup {
            Catchup::None => ON_TIME,
            Catchup::Latest | Catchup::All => Duration::from_secs(3600),
        };
        assert!(late <= window, "{told}: {row:?} was made up for too late");
        assert!(row.started_at.is_some() && row.queue_id.is_some(), "{told}: {row:?}");
    } else {
        assert!(row.reason.is_some(), "{told}: {row:?} says why");
    }
}

/// Turns of one schedule begin in the order of their times, and each has its own message.
fn check_order(told: &str, rows: &[Fire]) {
    let fired: Vec<&Fire> = rows.iter().filter(|row| row.outcome == Outcome::Fired).collect();
    for pair in fired.windows(2) {
        assert!(pair[0].started_at <= pair[1].started_at, "{told}: {:?} before {:?}", pair[0], pair[1]);
        assert_ne!(pair[0].queue_id, pair[1].queue_id, "{told}: {:?} and {:?}", pair[0], pair[1]);
    }
}
