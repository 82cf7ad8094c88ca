//! The five minutes in which a FIFO queue takes the same message for a repeat.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// How long a repeat is recognised, in milliseconds from the first send. A delete does not shorten it.
pub(super) const WINDOW_MS: i64 = 5 * 60 * 1000;

/// What makes two sends the same message: the de-duplication id, within its group if the queue's scope says so.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct DedupKey {
    pub(super) group: Option<Arc<str>>,
    pub(super) id: String,
}

/// The first send, as it is answered to its repeats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FirstSend {
    pub(super) message_id: Arc<str>,
    pub(super) sequence: u64,
}

/// The sends of the last five minutes.
#[derive(Debug, Default)]
pub(super) struct DedupWindow {
    sends: HashMap<DedupKey, FirstSend>,
    by_time: VecDeque<(i64, DedupKey)>,
}

impl DedupWindow {
    /// The first send under this key, if it is within the window.
    pub(super) fn find(&self, key: &DedupKey) -> Option<&FirstSend> {
        self.sends.get(key)
    }

    /// Remembers a first send.
    pub(super) fn remember(&mut self, key: DedupKey, first: FirstSend, now_ms: i64) {
        self.by_time.push_back((now_ms, key.clone()));
        self.sends.insert(key, first);
    }

    /// Forgets what is older than the window.
    pub(super) fn advance(&mut self, now_ms: i64) {
        while let Some((_, key)) = self.by_time.pop_front_if(|(sent_at, _)| *sent_at + WINDOW_MS <= now_ms) {
            self.sends.remove(&key);
        }
    }
}
