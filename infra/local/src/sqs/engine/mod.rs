//! The behaviour of SQS over plain data: no socket, no task, no clock.
//!
//! Every operation takes the time as `now_ms`, Unix milliseconds, first lets everything happen in its queue that is
//! due by then, and costs the logarithm of the number of messages at most. What a queue does by itself (a flight or
//! a delay ends, a message grows too old) happens when the clock passes [`Engine::next_instant`] and someone calls
//! [`Engine::advance`]; [`Engine::take_woken`] then names the queues that have something for a waiting receive.

mod attempts;
mod backlog;
mod batch;
mod catalog;
mod content;
mod dedup;
mod error;
mod lanes;
mod message_attribute;
mod queue;
mod receipt;
mod receive;
mod redrive;
mod send;
mod settings;
mod visibility;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use batch::{MAX_BATCH, Outcomes};
pub use catalog::QueuePage;
pub use content::{Content, Draft, MAX_MESSAGE_BYTES};
pub use error::{Error, ErrorCode, Result};
pub use message_attribute::{AttributeValue, MessageAttribute, MessageAttributes, attributes_md5};
pub use receive::{Delivery, Receive};
pub use redrive::queue_arn;
pub use send::Sent;
pub use settings::MAX_WAIT_S;

use queue::Queue;

/// All queues.
#[derive(Debug)]
pub struct Engine {
    incarnation: u64,
    queues: BTreeMap<Arc<str>, Queue>,
    queues_made: u32,
    /// When each queue next changes by itself.
    alarms: BTreeSet<(i64, Arc<str>)>,
    woken: Vec<Arc<str>>,
}

impl Engine {
    /// An engine without queues. Message ids and receipt handles are derived from `incarnation`, so give every run
    /// another one, and give a test that wants to be repeatable always the same.
    pub fn new(incarnation: u64) -> Self {
        Self { incarnation, queues: BTreeMap::new(), queues_made: 0, alarms: BTreeSet::new(), woken: Vec::new() }
    }

    /// The next instant, in Unix milliseconds, at which a queue changes by itself and a message may become visible.
    /// It may be in the past until [`advance`](Self::advance) was called. `None`: nothing happens without a request.
    pub fn next_instant(&self) -> Option<i64> {
        self.alarms.first().map(|(at, _)| *at)
    }

    /// Lets everything happen that is due, in all queues.
    pub fn advance(&mut self, now_ms: i64) {
        while let Some((_, name)) = self.alarms.first().filter(|(at, _)| *at <= now_ms) {
            let name = Arc::clone(name);
            // The queue of an alarm exists, and advancing it is refused by nothing.
            let _ = self.on(&name, now_ms, |_| Ok(()));
        }
    }

    /// The queues in which something became receivable since the last call, and the ones that were deleted: a
    /// receive that waits at one of them is to be tried again.
    pub fn take_woken(&mut self) -> Vec<Arc<str>> {
        std::mem::take(&mut self.woken)
    }

    /// Runs `act` on a queue as it is at `now_ms`, and notes what that means for alarms and waiting receives.
    fn on<T>(&mut self, name: &str, now_ms: i64, act: impl FnOnce(&mut Queue) -> Result<T>) -> Result<T> {
        let queue = self.queues.get_mut(name).ok_or_else(|| Error::no_queue(name))?;
        queue.advance(now_ms);
        let result = act(queue);
        let next = queue.next_instant();
        if next != queue.armed {
            if let Some(at) = std::mem::replace(&mut queue.armed, next) {
                self.alarms.remove(&(at, Arc::clone(&queue.name)));
            }
            if let Some(at) = next {
                self.alarms.insert((at, Arc::clone(&queue.name)));
            }
        }
        if std::mem::take(&mut queue.woken) {
            self.woken.push(Arc::clone(&queue.name));
        }
        result
    }
}
