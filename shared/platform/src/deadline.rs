//! When an invocation ends, whatever it is doing.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// The end of an invocation; the local run's never end.
#[derive(Debug, Clone, Copy, Default)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// None.
    pub const NEVER: Self = Self(None);

    /// So long from now.
    pub fn after(length: Duration) -> Self {
        Self(Instant::now().checked_add(length))
    }

    /// As Lambda tells it.
    pub fn at(time: SystemTime) -> Self {
        Self::after(time.duration_since(SystemTime::now()).unwrap_or_default())
    }

    /// Whether there is time for something that takes so long.
    pub fn allows(self, length: Duration) -> bool {
        self.0.is_none_or(|end| end.saturating_duration_since(Instant::now()) >= length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_runs_out() {
        let minutes = |count: u64| Duration::from_secs(60 * count);
        for (deadline, length, allowed) in [
            (Deadline::after(minutes(10)), minutes(9), true),
            (Deadline::after(minutes(10)), minutes(11), false),
            (Deadline::at(SystemTime::now() + minutes(10)), minutes(9), true),
            (Deadline::at(SystemTime::now() + minutes(10)), minutes(11), false),
            (Deadline::at(SystemTime::UNIX_EPOCH), minutes(1), false),
            (Deadline::NEVER, Duration::MAX, true),
        ] {
            assert_eq!(deadline.allows(length), allowed, "{deadline:?} {length:?}");
        }
    }
}
