//! The schedule record.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::fire::{Fire, Outcome, Trigger};
use super::plan::Stretch;
use super::policy::Policy;
use super::tally::Tally;
use crate::cron::Cron;
use crate::field::FieldError;
use crate::id::{MessageId, ScheduleId, WorkspaceId};
use crate::time::Timestamp;

/// Who made it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ScheduleSource)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A template of workspaces.
    Template,
    /// The API.
    #[default]
    Runtime,
}

/// A fire whose turn waits or runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// The fire, by the key of its row in the ledger.
    pub nominal: Timestamp,
    /// Its message.
    pub queue_id: MessageId,
    /// Its turn has begun.
    #[serde(default)]
    pub running: bool,
    /// Started by hand or by a rule, not by its time.
    #[serde(default)]
    pub manual: bool,
}

/// Fires in a row whose turn has not begun when it should have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotFired {
    /// The first of them.
    pub since: Timestamp,
    /// How many.
    pub count: u32,
}

/// When a workspace is woken, and with what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// Its id.
    pub id: ScheduleId,
    /// Whom it wakes.
    pub workspace_id: WorkspaceId,
    /// Unique within the workspace.
    pub name: String,
    /// Five fields.
    pub cron_expr: String,
    /// IANA name.
    pub timezone: String,
    /// It fires.
    pub enabled: bool,
    /// Lateness and overlap.
    #[serde(flatten)]
    pub policy: Policy,
    /// Who made it.
    #[serde(default)]
    pub source: Source,
    /// Raised by each write; the optimistic lock.
    pub version: u64,
    /// Raised by each edit of when it fires; a reminder of an older one is void.
    pub revision: u64,
    /// Raised by each edit of the prompt, whose text lies beside this record.
    pub prompt_revision: u64,
    /// The nominal time of the first fire without a row in the ledger; none while it is disabled.
    #[serde(default)]
    pub next_fire: Option<Timestamp>,
    /// Its fires that are not settled, oldest first.
    #[serde(default)]
    pub open: Vec<Open>,
    /// Fires in a row that did not start.
    #[serde(default)]
    pub not_fired: Option<NotFired>,
    /// Settled fires of the last week.
    #[serde(default)]
    pub tally: Tally,
    /// How many fires were settled or placed.
    #[serde(default)]
    pub run_count: u64,
    /// When a fire was last placed.
    #[serde(default)]
    pub last_run_at: Option<Timestamp>,
    /// What became of the fire that was last settled.
    #[serde(default)]
    pub last_status: Option<Outcome>,
    /// Why it did not fire.
    #[serde(default)]
    pub last_error: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last edited.
    pub updated_at: Timestamp,
}

impl Schedule {
    /// A new schedule, switched on, which fires from `now` on.
    pub fn new(id: ScheduleId, workspace_id: WorkspaceId, name: String, cron: &Cron, now: Timestamp) -> Self {
        let mut schedule = Self {
            id,
            workspace_id,
            name,
            cron_expr: cron.expression().to_owned(),
            timezone: cron.zone().to_owned(),
            enabled: true,
            policy: Policy::default(),
            source: Source::Runtime,
            version: 1,
            revision: 0,
            prompt_revision: 1,
            next_fire: None,
            open: Vec::new(),
            not_fired: None,
            tally: Tally::default(),
            run_count: 0,
            last_run_at: None,
            last_status: None,
            last_error: None,
            created_at: now,
            updated_at: now,
        };
        schedule.restart(cron, now);
        schedule
    }

    /// A copy to be written over the one that was read.
    #[must_use]
    pub fn next_version(&self) -> Self {
        Self { version: self.version + 1, ..self.clone() }
    }

    /// Its expression in its zone.
    ///
    /// # Errors
    /// A record that another release wrote; each write checks.
    pub fn cron(&self) -> Result<Cron, FieldError> {
        Cron::new(&self.cron_expr, &self.timezone)
    }

    /// How late its fires are due: the same for all of them, spread over schedules by their ids.
    pub fn jitter(&self) -> Duration {
        let digest = Sha256::digest(self.id.uuid().as_bytes());
        let spread = u64::from_be_bytes(digest[..8].try_into().unwrap_or_default());
        Duration::from_secs(spread % (u64::from(self.policy.jitter_seconds) + 1))
    }

    /// When the next fire is due.
    pub fn due(&self) -> Option<Timestamp> {
        self.next_fire.map(|nominal| nominal + self.jitter())
    }

    /// Fires anew from `now` on: after an edit, or switched on or off. Whoever placed the last fire may have had a clock that
    /// was ahead: no time is placed again.
    pub fn restart(&mut self, cron: &Cron, now: Timestamp) {
        self.revision += 1;
        let from = self.last_run_at.map_or(now, |last| last.max(now));
        self.next_fire = if self.enabled { cron.next_after(from) } else { None };
    }

    /// Until when the turn of a fire must have begun.
    pub fn begin_by(&self, nominal: Timestamp, now: Timestamp) -> Timestamp {
        nominal.max(now) + self.policy.deadline()
    }

    /// A fire is placed: its turn is this message.
    pub fn place(&mut self, fire: &mut Fire, queue_id: MessageId, now: Timestamp) {
        fire.queue_id = Some(queue_id);
        self.open.push(Open { nominal: fire.nominal, queue_id, running: false, manual: fire.trigger != Trigger::Cron });
        self.run_count += 1;
        self.last_run_at = Some(now);
    }

    /// These fires get no turn: their row.
    pub fn leave_out(&mut self, stretch: Stretch, now: Timestamp) -> Fire {
        let Stretch { from, to, count, outcome, reason, next } = stretch;
        self.next_fire = next;
        self.settle(from, count, outcome, Some(&reason), false);
        self.run_count += u64::from(count);
        self.last_run_at = Some(now);
        let fire = Fire::new(self, from, Trigger::Cron, now);
        Fire { to, count, outcome, finished_at: Some(now), reason: Some(reason), ..fire }
    }

    /// The fire that waits for its turn; under `buffer_all` the first.
    pub fn waiting(&self) -> Option<&Open> {
        self.open.iter().find(|open| !open.running)
    }

    /// The fire whose turn runs.
    pub fn running(&self) -> Option<&Open> {
        self.open.iter().find(|open| open.running)
    }

    /// The turn of a fire began: nothing starves.
    pub fn begin(&mut self, queue_id: MessageId) {
        self.not_fired = None;
        if let Some(open) = self.open.iter_mut().find(|open| open.queue_id == queue_id) {
            open.running = true;
        }
    }

    /// The turn of a fire went back into the queue.
    pub fn wait_again(&mut self, queue_id: MessageId) {
        if let Some(open) = self.open.iter_mut().find(|open| open.queue_id == queue_id) {
            open.running = false;
        }
    }

    /// Fires got an outcome. Only those that their time started count in the tally.
    pub fn settle(&mut self, nominal: Timestamp, count: u32, outcome: Outcome, reason: Option<&str>, manual: bool) {
        self.last_status = Some(outcome);
        self.last_error = reason.map(str::to_owned);
        if manual {
            return;
        }
        self.tally.count(nominal, count, outcome);
        match &mut self.not_fired {
            _ if outcome == Outcome::Fired => self.not_fired = None,
            Some(not_fired) => not_fired.count = not_fired.count.saturating_add(count),
            None => self.not_fired = Some(NotFired { since: nominal, count }),
        }
    }

    /// A fire that was open got its outcome.
    pub fn close(&mut self, queue_id: MessageId, outcome: Outcome, reason: Option<&str>) {
        let Some(place) = self.open.iter().position(|open| open.queue_id == queue_id) else { return };
        let open = self.open.remove(place);
        self.settle(open.nominal, 1, outcome, reason, open.manual);
    }

    /// How many fires in a row did not start, with the one that waits.
    pub fn consecutive_not_fired(&self) -> u32 {
        let waits = u32::from(self.waiting().is_some_and(|open| !open.manual));
        self.not_fired.map_or(0, |not_fired| not_fired.count).saturating_add(waits)
    }

    /// Since which fire it starves: two in a row did not start.
    pub fn starving_since(&self) -> Option<Timestamp> {
        if self.consecutive_not_fired() < 2 {
            return None;
        }
        self.not_fired.map(|not_fired| not_fired.since).or_else(|| self.waiting().map(|open| open.nominal))
    }
}
