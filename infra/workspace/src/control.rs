//! Requests of the platform about turns that run: wrap up, stop, or start anew.
//!
//! They come in a heartbeat's answer as `{"kind": …, "queue_id"?: …, "at"?: …, "grace_seconds"?: …}` (or the bare kind), and
//! as a message whose metadata has these. A request without a queue id is meant for every turn. `at` tells one request from
//! another: what was obeyed is not obeyed again, since other turns run by then. A turn that is to wrap up gets SIGTERM, and
//! SIGKILL when the grace is over; what it has written is its answer.

use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;
use tracing::{info, warn};

use crate::state::State;

/// The kind that asks a turn to save its work and end.
pub const CHECKPOINT: &str = "checkpoint_and_exit";
/// The kind that ends a turn at once.
pub const CANCEL: &str = "cancel";
/// The kind that ends all turns at once and begins anew.
pub const RESTART: &str = "restart";
/// How long a turn has to wrap up, if the platform does not say.
const GRACE: Duration = Duration::from_secs(5);
/// The longest grace that makes sense.
const LONGEST_GRACE: Duration = Duration::from_secs(3600);

/// Does what one request says.
pub fn obey(state: &State, entry: &Value) {
    let kind = entry.as_str().or_else(|| entry["kind"].as_str()).unwrap_or_default();
    if let Some(at) = entry["at"].as_str()
        && !state.first_time(kind, at)
    {
        return;
    }
    let queue_id = entry["queue_id"].as_str();
    let turns = match kind {
        CHECKPOINT => state.children.wrap_up(grace(entry), queue_id),
        CANCEL => state.children.signal(Signal::SIGKILL, queue_id),
        RESTART => {
            state.registration.want();
            state.children.signal(Signal::SIGKILL, None)
        }
        _ => {
            return warn!(kind, "the platform asks for something that this runtime does not know");
        }
    };
    info!(kind, turns, "the platform asked running turns to end");
}

fn grace(entry: &Value) -> Duration {
    let seconds = entry["grace_seconds"].as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.unwrap_or(GRACE).min(LONGEST_GRACE)
}
