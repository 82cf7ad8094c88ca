//! The long polls that wait, by queue.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// Wakes the polls of a queue. A queue is known here only while a poll waits at it.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    queues: Mutex<HashMap<Arc<str>, Waiting>>,
}

#[derive(Debug, Default)]
struct Waiting {
    bell: Arc<Notify>,
    polls: usize,
}

/// A poll's place at its queue, given up on drop.
#[derive(Debug)]
pub(super) struct Place<'a> {
    waiters: &'a Waiters,
    queue: Arc<str>,
    /// Rings when the poll should try again.
    pub(super) bell: Arc<Notify>,
}

impl Waiters {
    /// Takes a place at a queue. Listen to its bell before looking into the queue, so that nothing is missed.
    pub(super) fn join(&self, queue: &str) -> Place<'_> {
        let queue: Arc<str> = queue.into();
        let bell = self.with(|queues| {
            let waiting = queues.entry(Arc::clone(&queue)).or_default();
            waiting.polls += 1;
            Arc::clone(&waiting.bell)
        });
        Place { waiters: self, queue, bell }
    }

    /// Wakes the polls at these queues: all of them, because one that is woken may be about to be aborted.
    pub(super) fn wake(&self, woken: &[Arc<str>]) {
        if woken.is_empty() {
            return;
        }
        self.with(|queues| {
            for bell in woken.iter().filter_map(|queue| queues.get(queue)) {
                bell.bell.notify_waiters();
            }
        });
    }

    /// Wakes all polls.
    pub(super) fn wake_all(&self) {
        self.with(|queues| queues.values().for_each(|waiting| waiting.bell.notify_waiters()));
    }

    fn with<T>(&self, act: impl FnOnce(&mut HashMap<Arc<str>, Waiting>) -> T) -> T {
        // A panic in between leaves the map whole: each change to it is one step.
        act(&mut self.queues.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.waiters.with(|queues| {
            if let Some(waiting) = queues.get_mut(&self.queue) {
                waiting.polls -= 1;
                if waiting.polls == 0 {
                    queues.remove(&self.queue);
                }
            }
        });
    }
}
