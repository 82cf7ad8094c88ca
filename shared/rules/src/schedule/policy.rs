//! What a schedule does when a fire is late or meets another one.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::field::FieldError;

/// A fire meets one of the same schedule that is still open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// At most one waits: it stands for the newest time, the others end coalesced.
    #[default]
    Coalesce,
    /// It is skipped.
    Skip,
    /// All wait, in order.
    BufferAll,
    /// The running one is cancelled.
    CancelRunning,
}

/// Fires that could not be placed in time, because the platform was down or late.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Catchup {
    /// None is made up for.
    None,
    /// The newest, if it is not later than its interval or one hour.
    #[default]
    Latest,
    /// Each of the last hour, up to [`super::CATCH_UP_MOST`].
    All,
}

/// The settings that an operator chooses, beside when and what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Against its own other fires.
    #[serde(default)]
    pub overlap: Overlap,
    /// After a pause of the platform.
    #[serde(default)]
    pub catchup: Catchup,
    /// Spreads schedules that name the same minute: each fires up to so many seconds late, always the same.
    #[serde(default)]
    pub jitter_seconds: u32,
    /// A fire that could not start so long after its nominal time is missed; none: a day.
    #[serde(default)]
    pub deadline_seconds: Option<u32>,
}

/// The longest jitter.
const MAX_JITTER: i64 = 3600;
/// The longest deadline: as long as a message may live.
const MAX_DEADLINE: i64 = 12 * 24 * 3600;

impl Policy {
    /// How late a fire may start, when its schedule does not say.
    pub const DEADLINE: Duration = Duration::from_secs(24 * 3600);

    /// How long after its nominal time a fire may still start.
    pub fn deadline(&self) -> Duration {
        self.deadline_seconds.map_or(Self::DEADLINE, |seconds| Duration::from_secs(seconds.into()))
    }

    /// Seconds of jitter, 0 to 3600.
    ///
    /// # Errors
    /// Outside of that.
    pub fn jitter_seconds(seconds: i64) -> Result<u32, FieldError> {
        in_range("jitter_seconds", seconds, 0, MAX_JITTER)
    }

    /// Seconds after which a fire is missed, 1 to 12 days.
    ///
    /// # Errors
    /// Outside of that.
    pub fn deadline_seconds(seconds: i64) -> Result<u32, FieldError> {
        in_range("deadline_seconds", seconds, 1, MAX_DEADLINE)
    }
}

fn in_range(field: &'static str, seconds: i64, first: i64, last: i64) -> Result<u32, FieldError> {
    let taken = u32::try_from(seconds).ok().filter(|_| (first..=last).contains(&seconds));
    taken.ok_or_else(|| FieldError::new(field, format!("must be a whole number from {first} to {last}")))
}
