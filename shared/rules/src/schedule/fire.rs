//! One row of the ledger: a fire, or a stretch of fires with the same fate.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::record::Schedule;
use crate::delegation::shortened;
use crate::id::{MessageId, ScheduleId, WorkspaceId};
use crate::message::{FireOf, Message, State};
use crate::time::Timestamp;

/// What became of a fire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = FireOutcome)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Its turn waits.
    Pending,
    /// Its turn runs.
    Running,
    /// Its turn ran, and the agent answered.
    Fired,
    /// A newer fire of the same schedule took its place before its turn began.
    Coalesced,
    /// Left out on purpose.
    Skipped,
    /// It could not be placed or started in time.
    Missed,
    /// Its turn ended without an answer, or with an error.
    Failed,
}

impl Outcome {
    /// All.
    pub const ALL: [Self; 7] =
        [Self::Pending, Self::Running, Self::Fired, Self::Coalesced, Self::Skipped, Self::Missed, Self::Failed];

    /// The string of storage and wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Fired => "fired",
            Self::Coalesced => "coalesced",
            Self::Skipped => "skipped",
            Self::Missed => "missed",
            Self::Failed => "failed",
        }
    }

    /// Nothing more happens to it.
    pub const fn is_settled(self) -> bool {
        !matches!(self, Self::Pending | Self::Running)
    }

    /// By the state of its message and whether the agent's answer was an error.
    pub const fn of(state: State, error: bool) -> Self {
        match state {
            State::Queued => Self::Pending,
            State::Dispatched | State::Delivered => Self::Running,
            State::Completed if error => Self::Failed,
            State::Completed => Self::Fired,
            State::Expired => Self::Missed,
            State::Coalesced => Self::Coalesced,
            State::Failed | State::Cancelled | State::Dropped => Self::Failed,
        }
    }
}

/// What started it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = FireTrigger)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// Its time.
    #[default]
    Cron,
    /// A call of the run route.
    Run,
    /// An EventBridge rule of the user's own.
    Rule,
}

/// Which memories a turn was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = FireMemories)]
pub struct Memories {
    /// How many.
    pub count: u32,
    /// Over their ids and texts, in order: another digest, other memories.
    pub digest: String,
}

/// A fire, or a stretch of adjacent ones that were missed or skipped for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fire {
    /// Whose.
    pub workspace_id: WorkspaceId,
    /// Of which schedule.
    pub schedule_id: ScheduleId,
    /// Its nominal time; of a stretch, the first one.
    pub nominal: Timestamp,
    /// The last one, of a stretch.
    pub to: Timestamp,
    /// How many fires this row stands for.
    pub count: u32,
    /// What started it.
    #[serde(default)]
    pub trigger: Trigger,
    /// What became of it.
    pub outcome: Outcome,
    /// Why, where it did not fire.
    #[serde(default)]
    pub reason: Option<String>,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// When its turn began.
    #[serde(default)]
    pub started_at: Option<Timestamp>,
    /// When it was settled.
    #[serde(default)]
    pub finished_at: Option<Timestamp>,
    /// The message that is its turn.
    #[serde(default)]
    pub queue_id: Option<MessageId>,
    /// The beginning of the answer.
    #[serde(default)]
    pub preview: Option<String>,
    /// Of the schedule's prompt, as the turn was given it.
    #[serde(default)]
    pub prompt_revision: Option<u64>,
    /// The memories that the turn was given.
    #[serde(default)]
    pub memories: Option<Memories>,
}

/// The longest preview of an answer, in characters.
const PREVIEW: usize = 300;

impl Fire {
    /// A fire of `schedule` that is placed at `now`.
    pub fn new(schedule: &Schedule, nominal: Timestamp, trigger: Trigger, now: Timestamp) -> Self {
        Self {
            workspace_id: schedule.workspace_id,
            schedule_id: schedule.id,
            nominal,
            to: nominal,
            count: 1,
            trigger,
            outcome: Outcome::Pending,
            reason: None,
            placed_at: now,
            started_at: None,
            finished_at: None,
            queue_id: None,
            preview: None,
            prompt_revision: None,
            memories: None,
        }
    }

    /// What its message says of it.
    pub fn turn(&self) -> FireOf {
        FireOf { schedule: self.schedule_id, nominal: self.nominal, manual: self.trigger != Trigger::Cron }
    }

    /// How late it was placed.
    pub fn lateness(&self) -> Duration {
        self.placed_at.since(self.nominal)
    }

    /// How long its turn waited, or has waited.
    pub fn wait(&self, now: Timestamp) -> Option<Duration> {
        self.queue_id?;
        Some(self.started_at.or(self.finished_at).unwrap_or(now).since(self.placed_at))
    }

    /// How long its turn took, or has taken.
    pub fn duration(&self, now: Timestamp) -> Option<Duration> {
        self.started_at.map(|started| self.finished_at.unwrap_or(now).since(started))
    }

    /// As its message is now. `result` is the text of the answer, or the error in it.
    pub fn follow(&mut self, message: &Message, result: Result<&str, &str>, now: Timestamp) {
        let error = message.state == State::Completed && result.is_err();
        self.outcome = match message.state {
            State::Cancelled if self.started_at.is_none() => Outcome::Skipped,
            state => Outcome::of(state, error),
        };
        self.queue_id = Some(message.id);
        match self.outcome {
            Outcome::Pending => self.started_at = None,
            Outcome::Running => self.started_at = self.started_at.or(Some(now)),
            _ => self.finished_at = Some(now),
        }
        self.reason = match self.outcome {
            Outcome::Fired => None,
            _ if error => result.err().map(str::to_owned),
            _ => message.reason.clone(),
        };
        self.preview = result.ok().filter(|_| self.outcome == Outcome::Fired).map(|text| shortened(text, PREVIEW));
    }

    /// It got its outcome without its message's end.
    pub fn settle(&mut self, outcome: Outcome, reason: &str, now: Timestamp) {
        self.outcome = outcome;
        self.reason = Some(reason.to_owned());
        self.finished_at = Some(now);
    }
}
