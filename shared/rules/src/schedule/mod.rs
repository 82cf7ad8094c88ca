//! Schedules: when a workspace is woken, with what prompt, and what became of each time.
//!
//! The *nominal* time of a fire is the one that the cron expression names; it has exactly one row in the ledger. A fire
//! is *due* at its nominal time plus the schedule's jitter.

mod blocked;
pub mod explain;
mod fire;
mod plan;
mod policy;
#[cfg(test)]
mod properties;
mod record;
mod standing;
mod tally;
#[cfg(test)]
mod tests;
mod turn;

pub use blocked::blocked;
pub use fire::{Fire, Memories, Outcome, Trigger};
pub use plan::{CATCH_UP_MOST, MOST_OPEN, ON_TIME, Placement, Step, Stretch, passed, place, step};
pub use policy::{Catchup, Overlap, Policy};
pub use record::{NotFired, Open, Schedule, Source};
pub use standing::{Standing, standing};
pub use tally::{Coverage, Tally};
pub use turn::{envelope, message_id};

/// The longest prompt, in bytes: with memories and envelope it fits into a message.
pub const MAX_PROMPT_BYTES: usize = 256 * 1024;
/// The most schedules of one workspace.
pub const MAX_SCHEDULES: usize = 100;
