//! What was seen, in the order in which it was seen.

use std::sync::{Arc, Mutex};

use rules::Timestamp;

/// A message by its sender's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) message_id: String,
    pub(crate) from: String,
    pub(crate) to: String,
    /// The lane.
    pub(crate) context: Option<String>,
    pub(crate) priority: &'static str,
    pub(crate) deadline: Option<Timestamp>,
    /// The two may talk.
    pub(crate) allowed: bool,
}

/// How an agent was done with a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Done {
    /// It did the work.
    Worked,
    /// It did not take it: busy.
    Refused,
    /// It failed: 5xx, or an answer that nobody can read.
    Failed,
    /// It died over it, or gave it back.
    LetGo,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// A sender sends.
    Send(Sent),
    /// The platform answers a sender.
    Answered { message_id: String, status: u16, queue_id: Option<String> },
    /// An agent has a message in its hands, until then at the latest.
    Delivered { to: String, message_id: String, epoch: u64, from: Option<String>, until: Timestamp },
    /// An agent is done with it.
    Done { to: String, message_id: String, epoch: u64, done: Done },
    /// An operator revives a message.
    Replayed { message_id: String },
}

/// An event with its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) at: Timestamp,
    pub(crate) event: Event,
}

/// How a message is at the end, as the platform tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) message_id: String,
    pub(crate) open: bool,
    pub(crate) state: String,
    pub(crate) reason: Option<String>,
    pub(crate) finished_at: Option<Timestamp>,
    pub(crate) steps: usize,
}

/// An agent's promises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Promise {
    pub(crate) id: String,
    pub(crate) capacity: usize,
    /// It de-duplicates, or its leases run out: it may see a message again.
    pub(crate) again: bool,
}

/// Shared by all who see something.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Vec<Seen>>>);

impl Recorder {
    pub(crate) fn note(&self, at: Timestamp, event: Event) {
        self.0.lock().unwrap().push(Seen { at, event });
    }

    pub(crate) fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}
