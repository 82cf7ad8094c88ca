//! How long to wait before the next try: 1, 2, 4 … 60 s, and up to a quarter more by chance so that a fleet that lost
//! its platform does not come back all at once.

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);
/// What a platform may ask for with Retry-After; beyond that the asked time is not believed.
const LONGEST_ASKED: Duration = Duration::from_secs(300);

/// Counts the tries of one task.
#[derive(Debug, Default)]
pub struct Backoff {
    tries: u32,
}

impl Backoff {
    /// The pause after one more failure: at least as long as the other side asked for.
    pub fn next(&mut self, asked: Option<Duration>) -> Duration {
        let base = FIRST.saturating_mul(1 << self.tries.min(6)).min(LONGEST);
        self.tries = self.tries.saturating_add(1);
        let jittered = base.mul_f64(1.0 + rand::random_range(0.0..0.25));
        jittered.max(asked.unwrap_or_default().min(LONGEST_ASKED))
    }

    /// Starts from the shortest pause again.
    pub fn reset(&mut self) {
        self.tries = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_a_minute_with_jitter() {
        let mut backoff = Backoff::default();
        for expected in [1, 2, 4, 8, 16, 32, 60, 60] {
            let pause = backoff.next(None).as_secs_f64();
            let expected = f64::from(expected);
            assert!((expected..expected * 1.25).contains(&pause), "{pause} for {expected}");
        }
        backoff.reset();
        assert!(backoff.next(None) < Duration::from_secs(2));
    }

    #[test]
    fn waits_as_long_as_asked_within_reason() {
        let mut backoff = Backoff::default();
        assert_eq!(backoff.next(Some(Duration::from_secs(20))), Duration::from_secs(20));
        assert_eq!(backoff.next(Some(Duration::from_secs(9999))), LONGEST_ASKED);
    }
}
