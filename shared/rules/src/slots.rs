//! Delivery slots: how many messages a workspace holds at once. A slot is a lease that ends by itself, not a counter.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::dispatch::Loss;
use crate::id::MessageId;
use crate::ladder::Ladder;
use crate::lease::Beat;
use crate::message::Priority;
use crate::time::Timestamp;

/// How many recent endings are remembered, to correct a busy report that is older than they are.
pub const MAX_ENDED: usize = 32;

/// One live delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Slot {
    /// The message it holds, once one was received.
    #[serde(default)]
    pub message: Option<MessageId>,
    /// Told to the agent; an answer of another epoch is late.
    pub epoch: u64,
    /// When it was claimed or filled; a report that was sent before cannot know of it.
    #[serde(default)]
    pub since: Timestamp,
    /// Ends by itself then.
    pub until: Timestamp,
    /// The workspace's generation when it was filled; what an older one held is lost.
    #[serde(default)]
    pub generation: u64,
}

/// What the last call to the agent showed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Contact {
    /// When.
    pub at: Timestamp,
    /// The agent answered, whatever it said.
    pub reached: bool,
    /// What was seen.
    #[serde(default)]
    pub evidence: String,
}

/// All slots of one workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Slots {
    /// Live and run-out slots by id.
    #[serde(default)]
    pub slots: BTreeMap<String, Slot>,
    /// Raised by each write that claims, moves or ends a slot; the optimistic lock.
    #[serde(default)]
    pub version: u64,
    /// Raised by each accept and by each wake that found no room; a drain ends only if it has not moved since it looked.
    #[serde(default)]
    pub wakes: u64,
    /// The last epoch given out.
    #[serde(default)]
    pub epoch: u64,
    /// Open messages may exist: the sweep looks here.
    #[serde(default)]
    pub pending: bool,
    /// How many messages are open: waiting or held. Counted with each accept and each end, in their transactions.
    #[serde(default)]
    pub open: i64,
    /// Since when heartbeats have reported room while messages wait and none gets through.
    #[serde(default)]
    pub starving_since: Option<Timestamp>,
    /// There is a queue of critical messages.
    #[serde(default)]
    pub critical: bool,
    /// There is a queue of informational messages.
    #[serde(default)]
    pub info: bool,
    /// When recent deliveries ended.
    #[serde(default)]
    pub ended: Vec<Timestamp>,
    /// The last call to the agent.
    #[serde(default)]
    pub last_contact: Option<Contact>,
    /// What was done about a turn that runs too long.
    #[serde(default)]
    pub ladder: Option<Ladder>,
}

/// How busy the agent is: the larger of live slots and the reported tasks, less the deliveries that ended since that
/// report was sent, and with those that began since.
pub fn busy(slots: &Slots, beat: Option<&Beat>, now: Timestamp) -> u32 {
    let live = slots.slots.values().filter(|slot| slot.until > now).count();
    let live = u32::try_from(live).unwrap_or(u32::MAX);
    let reported = beat.map_or(0, |beat| {
        // However the agent's clock runs, the report was sent before it arrived.
        let sent = beat.sent_at.map_or(beat.at, |sent| sent.min(beat.at));
        let ended = slots.ended.iter().filter(|at| **at >= sent).count();
        let begun = slots
            .slots
            .values()
            .filter(|slot| slot.until > now && (slot.message.is_none() || slot.since > sent))
            .count();
        let known = beat.active_tasks.saturating_sub(u32::try_from(ended).unwrap_or(u32::MAX));
        if beat.active_tasks == 0 { 0 } else { known.saturating_add(u32::try_from(begun).unwrap_or(u32::MAX)) }
    });
    live.max(reported)
}

impl Slots {
    /// Claims a slot for `length` if there is room, dropping slots that ran out empty; one that ran out with a message is
    /// for the sweep, which settles that message. The id is the epoch's text.
    pub fn claim(
        &mut self,
        beat: Option<&Beat>,
        capacity: u32,
        now: Timestamp,
        length: Duration,
    ) -> Option<(String, Slot)> {
        if busy(self, beat, now) >= capacity {
            return None;
        }
        self.slots.retain(|_, slot| slot.until > now || slot.message.is_some());
        self.epoch += 1;
        let slot = Slot { message: None, epoch: self.epoch, since: now, until: now + length, generation: 0 };
        let id = format!("s{}", self.epoch);
        self.slots.insert(id.clone(), slot);
        Some((id, slot))
    }

    /// Ends the delivery in a slot and keeps the slot for the next one, under a new epoch; false if it was gone. One that
    /// ran out only ends: its room may have been given to another since.
    pub fn reuse(&mut self, id: &str, now: Timestamp, length: Duration) -> bool {
        let live = self.slots.get(id).is_some_and(|slot| slot.until > now);
        self.end(id, now);
        if live {
            self.epoch += 1;
            self.slots.insert(
                id.to_owned(),
                Slot { message: None, epoch: self.epoch, since: now, until: now + length, generation: 0 },
            );
        }
        live
    }

    /// Which queues to look into, in order: the urgent first, but every eighth time from the bottom, so that no queue
    /// waits for ever behind a fuller one.
    pub fn order(&self) -> Vec<Priority> {
        let there = |priority: &Priority| match priority {
            Priority::Critical => self.critical,
            Priority::Task => true,
            Priority::Info => self.info,
        };
        let mut order: Vec<_> = Priority::ALL.into_iter().filter(there).collect();
        if self.epoch.is_multiple_of(8) {
            order.reverse();
        }
        order
    }

    /// Gives a slot back; false if it was gone. If it held a message, a delivery ended: that is remembered. One that saw
    /// an empty queue took nothing off what the agent reported.
    pub fn end(&mut self, id: &str, now: Timestamp) -> bool {
        let Some(slot) = self.slots.remove(id) else {
            return false;
        };
        if slot.message.is_some() {
            self.ended.push(now);
            let surplus = self.ended.len().saturating_sub(MAX_ENDED);
            self.ended.drain(..surplus);
        }
        true
    }

    /// How many messages are in somebody's hands.
    pub fn held(&self) -> u32 {
        let held = self.slots.values().filter(|slot| slot.message.is_some()).count();
        u32::try_from(held).unwrap_or(u32::MAX)
    }

    /// How many messages wait.
    pub fn waiting(&self) -> u32 {
        u32::try_from(self.open.max(0)).unwrap_or(u32::MAX).saturating_sub(self.held())
    }

    /// Fills a claimed slot with a message from `now` until `until`; none if the slot is gone, or ran out before it was
    /// filled: its room may be another's by now, and whoever finds it ends it.
    pub fn fill(
        &mut self,
        id: &str,
        message: MessageId,
        generation: u64,
        now: Timestamp,
        until: Timestamp,
    ) -> Option<Slot> {
        let slot = self.slots.get_mut(id).filter(|slot| slot.until > now)?;
        slot.since = now;
        slot.message = Some(message);
        slot.generation = generation;
        slot.until = until;
        Some(*slot)
    }

    /// The held messages that nobody works on any more, each with its slot's epoch and why: the slot ran out, or the
    /// workspace was started anew.
    pub fn lost(&self, generation: u64, now: Timestamp) -> Vec<(String, Slot, Loss)> {
        let loss = |slot: &Slot| match slot {
            slot if slot.until <= now => Some(Loss::RanOut),
            slot if slot.message.is_some() && slot.generation < generation => Some(Loss::StartedAnew),
            _ => None,
        };
        self.slots.iter().filter_map(|(id, slot)| Some((id.clone(), *slot, loss(slot)?))).collect()
    }

    /// When the sweep must look at these slots again: at once while messages wait, else when the first turn that they hold
    /// has had four fifths of its time.
    pub fn due(&self, now: Timestamp) -> Option<Timestamp> {
        if self.pending {
            return Some(now);
        }
        let of = |slot: &Slot| match slot.message {
            Some(_) => slot.since + slot.until.since(slot.since) * 4 / 5,
            None => slot.until,
        };
        self.slots.values().map(of).min()
    }
}

#[cfg(test)]
mod tests;
