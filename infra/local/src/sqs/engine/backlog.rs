//! Which message comes next: turns on a standard queue, lanes on a FIFO queue.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::lanes::Lanes;

/// The messages of a queue that are not in flight, in the order in which they are to be handed out.
///
/// Every step costs the logarithm of the number of messages at most, however many groups there are.
#[derive(Debug)]
pub(super) enum Backlog {
    /// Oldest first; a message that comes back goes to the end, so that one that fails always holds up nobody.
    Standard(Turns),
    /// In order within each group, the groups in turn.
    Fifo(Lanes),
}

/// A standard queue's messages by turn.
#[derive(Debug, Default)]
pub(super) struct Turns {
    by_turn: BTreeMap<u64, u64>,
    turns: BTreeMap<u64, u64>,
    next: u64,
}

impl Turns {
    fn push(&mut self, message: u64) {
        self.by_turn.insert(self.next, message);
        self.turns.insert(message, self.next);
        self.next += 1;
    }

    fn remove(&mut self, message: u64) {
        if let Some(turn) = self.turns.remove(&message) {
            self.by_turn.remove(&turn);
        }
    }

    fn take(&mut self) -> Option<u64> {
        let (_, message) = self.by_turn.pop_first()?;
        self.turns.remove(&message);
        Some(message)
    }
}

/// A receive under way: on a FIFO queue it stays with one group as long as that has messages.
#[derive(Debug, Default)]
pub(super) struct Picking {
    pub(super) lane: Option<Arc<str>>,
}

impl Backlog {
    pub(super) fn new(fifo: bool) -> Self {
        if fifo { Self::Fifo(Lanes::default()) } else { Self::Standard(Turns::default()) }
    }

    /// A message has come, receivable at once or later. Says whether something became receivable by it.
    pub(super) fn arrive(&mut self, message: u64, group: &Arc<str>, receivable: bool) -> bool {
        match self {
            Self::Standard(turns) => {
                if receivable {
                    turns.push(message);
                }
                receivable
            }
            Self::Fifo(lanes) => lanes.arrive(message, group, receivable),
        }
    }

    /// A delayed message has become due. Says whether something became receivable by it.
    pub(super) fn due(&mut self, message: u64, group: &Arc<str>) -> bool {
        match self {
            Self::Standard(turns) => {
                turns.push(message);
                true
            }
            Self::Fifo(lanes) => lanes.due(message, group),
        }
    }

    /// A message has come back from flight. Says whether something became receivable by it.
    pub(super) fn come_back(&mut self, message: u64, group: &Arc<str>) -> bool {
        match self {
            Self::Standard(turns) => {
                turns.push(message);
                true
            }
            Self::Fifo(lanes) => lanes.come_back(message, group),
        }
    }

    /// A message that was not in flight is gone. Says whether something became receivable by it.
    pub(super) fn leave(&mut self, message: u64, group: &Arc<str>) -> bool {
        match self {
            Self::Standard(turns) => {
                turns.remove(message);
                false
            }
            Self::Fifo(lanes) => lanes.leave(message, group),
        }
    }

    /// A message in flight is gone. Says whether something became receivable by it.
    pub(super) fn land(&mut self, group: &Arc<str>) -> bool {
        match self {
            Self::Standard(_) => false,
            Self::Fifo(lanes) => lanes.land(group),
        }
    }

    /// The next message to hand out, which is in flight from now on.
    pub(super) fn take(&mut self, picking: &mut Picking) -> Option<u64> {
        match self {
            Self::Standard(turns) => turns.take(),
            Self::Fifo(lanes) => lanes.take(picking),
        }
    }
}
