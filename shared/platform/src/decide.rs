//! Read, decide, write on condition; and again when the state moved in between. Bounded: a state that never holds still
//! is the platform's trouble (503), not the caller's.

use std::future::Future;
use std::time::Duration;

use rules::event::Event;
use rules::id::EventId;
use rules::workspace::Workspace;

use crate::platform::Platform;
use crate::problem::Problem;
use crate::queues::QueueError;
use crate::store::{CommitError, StoreError, Transaction};

/// Rounds before giving up.
const ROUNDS: u32 = 10;
/// After the second round that moved, the next ones wait: at most this, and twice as long each time.
const PAUSE: Duration = Duration::from_millis(4);
/// No pause is longer.
const LONGEST_PAUSE: Duration = Duration::from_millis(128);

/// Why one round did not settle it.
#[derive(Debug)]
pub enum Fault {
    /// The state moved: read and decide again.
    Moved,
    /// It is settled: this is the answer.
    Problem(Problem),
}

impl From<CommitError> for Fault {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Moved(_) => Self::Moved,
            CommitError::Store(error) => Self::Problem(error.into()),
        }
    }
}

impl<E: Into<Problem>> From<E> for Fault
where
    E: NotCommit,
{
    fn from(error: E) -> Self {
        Self::Problem(error.into())
    }
}

/// Errors that settle a round.
pub trait NotCommit {}
impl NotCommit for Problem {}
impl NotCommit for StoreError {}
impl NotCommit for QueueError {}
impl NotCommit for rules::transition::Refusal {}
impl NotCommit for rules::field::FieldError {}
impl NotCommit for rules::token::TokenRefusal {}
impl NotCommit for rules::secret::SecretRefusal {}
impl NotCommit for rules::credential::Denial {}

/// Runs `round` until it settles.
///
/// # Errors
/// The problem of the round that settled it, or 503 when none did.
pub async fn decide<T, F, Fut>(mut round: F) -> Result<T, Problem>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, Fault>>,
{
    for count in 0..ROUNDS {
        match round().await {
            Ok(settled) => return Ok(settled),
            Err(Fault::Problem(problem)) => return Err(problem),
            // Of many at once each takes a time of its own, or they all would meet again.
            Err(Fault::Moved) if count > 0 => tokio::time::sleep(pause(count)).await,
            Err(Fault::Moved) => {}
        }
    }
    tracing::error!("no round settled: the state moved {ROUNDS} times");
    Err(Problem::unavailable())
}

/// Somewhere between nothing and the longest pause of this round.
fn pause(count: u32) -> Duration {
    let longest = PAUSE.saturating_mul(1 << count.min(8)).min(LONGEST_PAUSE);
    longest.mul_f64(rand::random_range(0.0..1.0))
}

impl Platform {
    /// Adds events to the transaction of the change that they tell.
    #[must_use]
    pub fn tell<'a>(
        &self,
        mut transaction: Transaction<'a>,
        workspace: &Workspace,
        events: impl IntoIterator<Item = Event>,
    ) -> Transaction<'a> {
        let now = self.now();
        for event in events {
            let id = EventId::new(self.entropy.ordered_uuid(now));
            transaction = transaction.put_event(workspace, id, &event, now, self.config.retention);
        }
        transaction
    }
}
