//! As the first process of a container, and elsewhere as a subreaper, this program is given every process below it that
//! loses its parent, and whoever does not ask for their exit codes keeps their entries in the process table, until it is
//! full.
//!
//! Turns wait for their own children. So this looks at who has ended without taking anything (`WNOWAIT`), and takes only
//! what is no turn's. An engine that puts an init in front (`docker run --init`) makes it idle.

use std::{sync::Arc, time::Duration};

use nix::{
    sys::wait::{Id, WaitPidFlag, waitid, waitpid},
    unistd::Pid,
};
use tokio::{
    signal::unix::{SignalKind, signal},
    time::sleep,
};
use tracing::{debug, warn};

use crate::{children::Children, state::State};

/// How soon one is looked for again that was hidden behind a turn's own child.
const AGAIN: Duration = Duration::from_secs(1);

/// Reaps orphans for as long as the program runs, if it is given them.
pub async fn keep_reaping(state: Arc<State>) {
    if std::process::id() != 1 && !nix::sys::prctl::get_child_subreaper().unwrap_or(false) {
        return;
    }
    let mut ended = match signal(SignalKind::child()) {
        Ok(ended) => ended,
        Err(error) => return warn!(%error, "orphaned processes cannot be noticed; run the container with an init"),
    };
    loop {
        reap(&state.children);
        tokio::select! {
            _ = ended.recv() => {}
            () = sleep(AGAIN) => {}
        }
    }
}

fn reap(children: &Children) {
    let _starting = children.starting();
    let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    // An error says that there are no children.
    while let Ok(status) = waitid(Id::All, look) {
        let orphan = status.pid().filter(|pid| !children.is_listed(pid.as_raw()));
        let Some(pid) = orphan else { return };
        if !take(pid) {
            return;
        }
    }
}

fn take(pid: Pid) -> bool {
    match waitpid(pid, Some(WaitPidFlag::WNOHANG)) {
        Ok(status) => {
            debug!(?status, "reaped an orphan");
            true
        }
        Err(error) => {
            debug!(%pid, %error, "an orphan cannot be reaped");
            false
        }
    }
}
