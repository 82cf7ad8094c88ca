//! Receives that a consumer may repeat because it never saw their answer.
//!
//! A FIFO receive that named a `ReceiveRequestAttemptId` gives the same messages under the same receipt handles
//! when it is repeated within five minutes, so long as none of them was deleted, was given another visibility or
//! became visible again. Otherwise the repeat is a receive like any other.

use std::collections::{HashMap, VecDeque};

use super::dedup::WINDOW_MS;

/// A message handed out in an attempt, as it then was. If the message is now otherwise, the attempt is spent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Handed {
    pub(super) message: u64,
    pub(super) receive: u32,
    pub(super) visible_at: i64,
}

/// The attempts of the last five minutes.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    handed: HashMap<String, (i64, Vec<Handed>)>,
    by_time: VecDeque<(i64, String)>,
}

impl Attempts {
    /// What the attempt handed out.
    pub(super) fn find(&self, id: &str) -> Option<&[Handed]> {
        self.handed.get(id).map(|(_, handed)| handed.as_slice())
    }

    /// Remembers an attempt, in place of an older one with this id.
    pub(super) fn remember(&mut self, id: &str, handed: Vec<Handed>, now_ms: i64) {
        self.by_time.push_back((now_ms, id.to_owned()));
        self.handed.insert(id.to_owned(), (now_ms, handed));
    }

    /// Forgets what is older than the window.
    pub(super) fn advance(&mut self, now_ms: i64) {
        while let Some((at, id)) = self.by_time.pop_front_if(|(at, _)| *at + WINDOW_MS <= now_ms) {
            if self.handed.get(&id).is_some_and(|(latest, _)| *latest == at) {
                self.handed.remove(&id);
            }
        }
    }
}
