//! The runtime of one workspace: it registers with the platform, shows that it is alive, and runs a command for each
//! message that the platform sends it.
//!
//! Four things run side by side and wait for each other as little as possible. `registration` and `heartbeat` talk
//! to the platform; `server` takes messages, or `poll` fetches them, and starts a `command` for each; `delivery` hands over the answers
//! that took too long for their connection. `runtime` starts them and ends them.

mod activity;
mod backoff;
mod card;
mod children;
mod command;
mod control;
mod credentials;
mod delivery;
mod heartbeat;
mod memory;
mod options;
mod outcome;
mod output;
mod platform;
mod poll;
mod prefer;
mod program;
#[cfg(target_os = "linux")]
mod reaper;
mod registration;
mod rpc;
mod runtime;
mod secret;
mod secrets;
mod server;
mod shutdown;
mod state;
mod turns;

pub use options::{Mode, Options};
pub use program::program;
pub use runtime::{Ended, Runtime, StartError, run};
pub use secret::Secret;
pub use shutdown::{Shutdown, Trigger, on_signals, shutdown};
pub use state::SetupError;
