//! How processes are ended.

use std::thread::sleep;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sysinfo::ProcessesToUpdate;

use super::table::{Members, Table};
use crate::provisioner::EngineError;

/// Rounds of looking for what was started while the others were being stopped.
const ROUNDS: usize = 20;

/// Sends a signal to one process. One that is gone has got it, as far as anybody can tell.
///
/// # Errors
/// The system refuses.
pub(super) fn signal(pid: i32, signal: Signal) -> Result<(), EngineError> {
    match kill(Pid::from_raw(pid), signal) {
        Ok(()) | Err(Errno::ESRCH) => Ok(()),
        Err(error) => Err(EngineError::Refused(format!("process {pid} cannot be sent {signal}: {error}"))),
    }
}

/// Kills those of `known` that run, and all that descend from them, whatever groups they are in. They are halted first,
/// all of them, so that none starts another one meanwhile that would be missed.
///
/// # Errors
/// The system refuses: some may still run.
pub(super) async fn tree(known: Members) -> Result<(), EngineError> {
    let killed = tokio::task::spawn_blocking(move || {
        let mut halted = Members::new();
        for _ in 0..ROUNDS {
            let table = Table::read(ProcessesToUpdate::All)?;
            let mut found = table.tree(&known);
            found.extend(table.tree(&halted));
            let new: Vec<i32> = found.keys().copied().filter(|pid| !halted.contains_key(pid)).collect();
            halted = found;
            if new.is_empty() {
                break;
            }
            for pid in new {
                signal(pid, Signal::SIGSTOP)?;
            }
            // A signal takes effect when its process runs next.
            sleep(Duration::from_millis(1));
        }
        halted.keys().try_for_each(|pid| signal(*pid, Signal::SIGKILL))
    });
    killed.await.map_err(|error| EngineError::Unreachable(error.to_string()))?
}
