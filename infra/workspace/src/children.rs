//! The process groups of the turns that run, so that they can be asked to end.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use tracing::debug;

/// All process groups that run now.
#[derive(Clone, Debug, Default)]
pub struct Children {
    groups: Arc<Mutex<BTreeMap<i32, Option<String>>>>,
}

/// One process group, listed for as long as this is held.
#[derive(Debug)]
pub struct Group {
    leader: i32,
    children: Children,
}

impl Children {
    /// Lists the group that the child `leader` leads, which works for the message of `queue_id`.
    pub fn add(&self, leader: i32, queue_id: Option<String>) -> Group {
        self.lock().insert(leader, queue_id);
        Group { leader, children: self.clone() }
    }

    /// Sends a signal to all groups, or only to those that work for the message of `queue_id`. Gives their number.
    pub fn signal(&self, signal: Signal, queue_id: Option<&str>) -> usize {
        let groups = self.lock();
        let meant = groups.iter().filter(|(_, works_for)| queue_id.is_none() || works_for.as_deref() == queue_id);
        meant.filter(|(leader, _)| send(**leader, signal)).count()
    }

    /// Each critical section is one operation, so a poisoned lock is as good as any.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<i32, Option<String>>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Group {
    /// Sends a signal to the whole group.
    pub fn signal(&self, signal: Signal) {
        send(self.leader, signal);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.children.lock().remove(&self.leader);
    }
}

fn send(leader: i32, signal: Signal) -> bool {
    killpg(Pid::from_raw(leader), signal)
        .inspect_err(|error| debug!(leader, %signal, %error, "the process group cannot be signalled"))
        .is_ok()
}
