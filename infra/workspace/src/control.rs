//! Requests of the platform about turns that run: wrap up, or stop.
//!
//! They come in a heartbeat's answer as `{"kind": …, "queue_id"?: …}` (or the bare kind), and the first one also as a
//! message whose metadata has that kind. A request without a queue id is meant for every turn. A command that can wrap
//! up traps SIGTERM; one that cannot ends by it.

use nix::sys::signal::Signal;
use serde_json::Value;
use tracing::{info, warn};

use crate::state::State;

/// The kind that asks a turn to save its work and end.
pub const CHECKPOINT: &str = "checkpoint_and_exit";
/// The kind that ends a turn at once.
pub const CANCEL: &str = "cancel";

/// Does what one entry of a heartbeat's answer says.
pub fn obey(state: &State, entry: &Value) {
    let kind = entry.as_str().or_else(|| entry["kind"].as_str()).unwrap_or_default();
    let queue_id = entry["queue_id"].as_str();
    let signal = match kind {
        CHECKPOINT => Signal::SIGTERM,
        CANCEL => Signal::SIGKILL,
        _ => {
            return warn!(kind, "the platform asks for something that this runtime does not know");
        }
    };
    let turns = state.children.signal(signal, queue_id);
    info!(kind, turns, "the platform asked running turns to end");
}
