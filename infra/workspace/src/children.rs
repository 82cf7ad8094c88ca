//! The process groups of the turns that run, so that they can be asked to end.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use tokio::sync::watch;
use tracing::debug;

/// All process groups that run now.
#[derive(Clone, Debug, Default)]
pub struct Children {
    groups: Arc<Mutex<BTreeMap<i32, Listed>>>,
    /// Held from a child's start until it is listed, and while those that are not listed are reaped.
    starting: Arc<Mutex<()>>,
}

/// A group that runs.
#[derive(Debug)]
struct Listed {
    works_for: Option<String>,
    /// We have sent it SIGKILL.
    killed: Arc<AtomicBool>,
    /// How long it has to wrap up, once it is asked to.
    wrap_up: watch::Sender<Option<Duration>>,
}

/// One process group, listed for as long as this is held.
#[derive(Debug)]
pub struct Group {
    leader: i32,
    children: Children,
    killed: Arc<AtomicBool>,
    wrap_up: watch::Receiver<Option<Duration>>,
}

impl Children {
    /// Lists the group that the child `leader` leads, which works for the message of `queue_id`.
    pub fn add(&self, leader: i32, queue_id: Option<String>) -> Group {
        let (sender, wrap_up) = watch::channel(None);
        let killed = Arc::<AtomicBool>::default();
        let listed = Listed { works_for: queue_id, killed: Arc::clone(&killed), wrap_up: sender };
        self.lock().insert(leader, listed);
        Group { leader, children: self.clone(), killed, wrap_up }
    }

    /// To be held while a child is started and listed: whatever is not listed is taken for an orphan.
    pub fn starting(&self) -> MutexGuard<'_, ()> {
        self.starting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this child is a turn's, and so waited for by it.
    pub fn is_listed(&self, leader: i32) -> bool {
        self.lock().contains_key(&leader)
    }

    /// Sends a signal to all groups, or only to those that work for the message of `queue_id`. Gives their number.
    pub fn signal(&self, signal: Signal, queue_id: Option<&str>) -> usize {
        let groups = self.lock();
        meant(&groups, queue_id).filter(|(leader, listed)| send(**leader, signal, &listed.killed)).count()
    }

    /// Asks groups to wrap up within `grace`: all, or only those that work for the message of `queue_id`. One that was
    /// asked before keeps its time. Gives their number.
    pub fn wrap_up(&self, grace: Duration, queue_id: Option<&str>) -> usize {
        let groups = self.lock();
        meant(&groups, queue_id)
            .filter(|(_, listed)| {
                listed.wrap_up.send_if_modified(|asked| {
                    let first = asked.is_none();
                    asked.get_or_insert(grace);
                    first
                })
            })
            .count()
    }

    /// Each critical section is one operation, so a poisoned lock is as good as any.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<i32, Listed>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Group {
    /// Waits until the group is asked to wrap up; gives the time that it has for it.
    pub async fn asked_to_wrap_up(&self) -> Duration {
        let mut asked = self.wrap_up.clone();
        match asked.wait_for(Option::is_some).await.ok().and_then(|asked| *asked) {
            Some(grace) => grace,
            None => std::future::pending().await,
        }
    }

    /// Sends a signal to the whole group.
    pub fn signal(&self, signal: Signal) {
        send(self.leader, signal, &self.killed);
    }

    /// Whether this program has sent it SIGKILL.
    pub fn was_killed(&self) -> bool {
        self.killed.load(Ordering::SeqCst)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.children.lock().remove(&self.leader);
    }
}

fn meant<'a>(
    groups: &'a BTreeMap<i32, Listed>,
    queue_id: Option<&'a str>,
) -> impl Iterator<Item = (&'a i32, &'a Listed)> {
    groups.iter().filter(move |(_, listed)| queue_id.is_none() || listed.works_for.as_deref() == queue_id)
}

fn send(leader: i32, signal: Signal, killed: &AtomicBool) -> bool {
    if signal == Signal::SIGKILL {
        killed.store(true, Ordering::SeqCst);
    }
    killpg(Pid::from_raw(leader), signal)
        .inspect_err(|error| debug!(leader, %signal, %error, "the process group cannot be signalled"))
        .is_ok()
}
