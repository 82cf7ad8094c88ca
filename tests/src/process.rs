//! The platform and its agents as processes, started and killed as a person does it, and a client that talks to them.

mod binary;
mod child;
mod client;
pub mod docker;
mod janitor;
mod platform;
pub mod proxy;
mod runtime;

pub use binary::{binary, workspace_root};
pub use child::{Ended, Process};
pub use client::{Client, answer_text, message};
pub use janitor::Janitor;
pub use platform::{Home, Platform, free_port};
pub use runtime::Runtime;

use std::time::{Duration, Instant};

/// How long anything may take on a busy machine before a test gives up.
pub const BOUND: Duration = Duration::from_secs(30);
/// Distance between two looks.
const LOOK: Duration = Duration::from_millis(20);

/// Looks until there is something to see, at most for `bound`.
///
/// # Panics
/// There was nothing within the bound.
pub async fn eventually<T>(what: &str, bound: Duration, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(begun.elapsed() < bound, "waited {bound:?} in vain: {what}");
        tokio::time::sleep(LOOK).await;
    }
}
