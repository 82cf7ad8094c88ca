//! What there is: the table, the queue, the agent, and processes that can be anywhere in their work.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use rules::message::{Accepted, Caller, Message, State};
use rules::slots::{Slot, Slots};
use rules::{MessageId, Timestamp, WorkspaceId};

/// A slot that is between two messages lasts this long, and a pointer that was received is hidden for as long.
pub(crate) const SHORT: u64 = 60;
/// A delivery lasts this long.
pub(crate) const LONG: u64 = 1000;
/// A pointer may be lost after this.
pub(crate) const LOST_AFTER: u64 = 600;

/// A message by its place in the model.
pub(crate) type Place = usize;

pub(crate) const TARGET: WorkspaceId = WorkspaceId::new(uuid::Uuid::from_u128(1));

pub(crate) fn id_of(place: Place) -> MessageId {
    MessageId::new(uuid::Uuid::from_u128(100 + place as u128))
}

pub(crate) fn place_of(id: MessageId) -> Place {
    usize::try_from(id.uuid().as_u128() - 100).unwrap()
}

/// A pointer in the queue.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Pointer {
    pub(crate) message: Place,
    pub(crate) epoch: u64,
    /// SQS delivered it twice: this is the other one.
    pub(crate) copy: bool,
}

/// What of a message's record counts here.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Record {
    pub(crate) state: State,
    pub(crate) version: u64,
    pub(crate) send_epoch: u64,
    pub(crate) sent_at: Option<Timestamp>,
    pub(crate) slot: Option<String>,
    pub(crate) slot_epoch: u64,
    pub(crate) attempts: u32,
    pub(crate) generation: u64,
    pub(crate) fetched: bool,
    pub(crate) receipt: Option<Pointer>,
    /// Its sender has heard of it.
    pub(crate) acknowledged: bool,
    /// Those of its lane whose senders had heard of them before this one was sent.
    pub(crate) after: Vec<Place>,
}

/// What an agent has in its hands.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Hand {
    pub(crate) message: Place,
    pub(crate) epoch: u64,
    pub(crate) until: u64,
    /// It said that it answers later, or fetched it.
    pub(crate) accepted: bool,
}

/// A delivery and what it holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Holding {
    pub(crate) message: Place,
    pub(crate) slot: String,
    pub(crate) epoch: u64,
    pub(crate) generation: u64,
}

/// How a delivery ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Ending {
    Answered,
    Failed,
    Cancelled,
    Released { attempt: bool },
}

/// Who ends it, and so what comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum By {
    Drain,
    /// The agent, or somebody who calls it off.
    Caller,
    /// Whoever found it lost.
    Finder,
}

/// One step: a request to table, queue or agent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Op {
    Store(Place),
    Point(Place, u64),
    Acknowledge(Place),
    Wake,
    Look,
    /// Writes the slots with a claim in them.
    Claim {
        to: Box<Slots>,
        slot: String,
    },
    Note,
    Serve(String),
    Receive {
        slot: String,
        seen: Box<Slots>,
    },
    Close {
        slot: String,
        seen: Box<Slots>,
    },
    Lease {
        slot: Option<String>,
        pointer: Pointer,
    },
    Hide {
        pointer: Pointer,
        until: u64,
    },
    Delete(Pointer),
    Commit {
        slot: String,
        fetched: bool,
        pointer: Pointer,
        seen: Box<Slots>,
        version: u64,
    },
    Post(Holding),
    Calling(Holding),
    NoteDelivered(Holding),
    Hand(Holding),
    End {
        message: Place,
        epoch: u64,
        ending: Ending,
        kept: bool,
        by: By,
    },
    Lose {
        slot: String,
        epoch: u64,
        message: Option<Place>,
        ran_out: bool,
    },
    EndSlot {
        slot: String,
        seen: Slot,
    },
    /// Only a mutation does that: the count of open messages by itself.
    CountLess,
    Sweep,
    Queue,
    Resend(Place),
    Cancel(Place),
    Fetch,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Sender,
    Drain,
    Result,
    Cancel,
    Sweep,
    Fetch,
}

/// Somebody at work: what is still to be done, the next last.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Process {
    pub(crate) kind: Kind,
    pub(crate) ops: Vec<Op>,
}

/// How often what may happen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Budget {
    pub(crate) crashes: u8,
    pub(crate) lost_wakes: u8,
    pub(crate) duplicates: u8,
    pub(crate) ticks: u8,
    pub(crate) busy: u8,
    pub(crate) errors: u8,
    pub(crate) lost: u8,
    pub(crate) deaths: u8,
    pub(crate) restarts: u8,
    pub(crate) cancels: u8,
    pub(crate) sweeps: u8,
}

impl std::ops::Add for Budget {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            crashes: self.crashes + other.crashes,
            lost_wakes: self.lost_wakes + other.lost_wakes,
            duplicates: self.duplicates + other.duplicates,
            ticks: self.ticks + other.ticks,
            busy: self.busy + other.busy,
            errors: self.errors + other.errors,
            lost: self.lost + other.lost,
            deaths: self.deaths + other.deaths,
            restarts: self.restarts + other.restarts,
            cancels: self.cancels + other.cancels,
            sweeps: self.sweeps + other.sweeps,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) now: u64,
    pub(crate) slots: Slots,
    /// The sweep's index names these slots.
    pub(crate) indexed: bool,
    pub(crate) generation: u64,
    pub(crate) records: Vec<Option<Record>>,
    /// Each with the time until which it is hidden.
    pub(crate) queue: Vec<(Pointer, u64)>,
    pub(crate) wakes: u8,
    pub(crate) processes: Vec<Process>,
    pub(crate) hands: Vec<Hand>,
    pub(crate) left: Budget,
    /// Nothing has happened that only the sweep repairs.
    pub(crate) calm: bool,
    pub(crate) recoveries: u8,
    pub(crate) wrong: Option<&'static str>,
}

impl Record {
    /// The record as the rules know it.
    pub(crate) fn message(&self, place: Place) -> Message {
        let accepted = Accepted {
            id: id_of(place),
            org: String::new(),
            target: TARGET,
            caller: Caller::Admin,
            message_id: String::new(),
            body_digest: String::new(),
            deadline: at(u64::from(u32::MAX)),
            not_before: None,
        };
        let mut message = Message::accepted(accepted, at(0));
        message.state = self.state;
        message.version = self.version;
        message.send_epoch = self.send_epoch;
        message.sent_at = self.sent_at;
        message.slot.clone_from(&self.slot);
        message.slot_epoch = self.slot_epoch;
        message.attempts = self.attempts;
        message.generation = self.generation;
        message.fetched = self.fetched;
        message
    }

    /// A step of its life, written.
    pub(crate) fn write(&mut self, place: Place, step: impl FnOnce(&mut Message)) {
        let mut message = self.message(place);
        step(&mut message);
        self.version += 1;
        self.state = message.state;
        self.send_epoch = message.send_epoch;
        self.sent_at = message.sent_at;
        self.slot = message.slot;
        self.slot_epoch = message.slot_epoch;
        self.attempts = message.attempts;
        self.generation = message.generation;
        self.fetched = message.fetched;
        if !self.state.is_held() {
            self.receipt = None;
        }
    }
}

pub(crate) fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(i64::try_from(seconds * 1000).unwrap())
}

pub(crate) const fn seconds(length: u64) -> Duration {
    Duration::from_secs(length)
}

impl World {
    pub(crate) fn time(&self) -> Timestamp {
        at(self.now)
    }

    pub(crate) fn record(&mut self, place: Place) -> &mut Record {
        self.records[place].as_mut().unwrap()
    }

    pub(crate) fn open(&self) -> usize {
        self.records.iter().flatten().filter(|record| !record.state.is_terminal()).count()
    }

    pub(crate) fn pointer(&mut self, pointer: &Pointer) -> Option<&mut (Pointer, u64)> {
        self.queue.iter_mut().find(|(other, _)| other == pointer)
    }

    /// Writes slots over the version that was read; what accepts write is left alone. False if they moved.
    pub(crate) fn put_slots(&mut self, to: &Slots, guarded: bool) -> bool {
        if guarded && self.slots.version != to.version {
            return false;
        }
        self.slots = Slots {
            version: self.slots.version + 1,
            wakes: self.slots.wakes,
            pending: self.slots.pending,
            open: self.slots.open,
            ..to.clone()
        };
        true
    }

    /// The first pointer that can be received: none of its lane before it or in somebody's hands.
    pub(crate) fn receivable(&self, lanes: Option<&[u8]>) -> Option<usize> {
        let lane = |pointer: &Pointer| lanes.map(|lanes| lanes[pointer.message]);
        self.queue.iter().position(|(pointer, hidden)| {
            let blocked = self
                .queue
                .iter()
                .any(|(other, hidden)| lanes.is_some() && lane(other) == lane(pointer) && *hidden > self.now);
            *hidden <= self.now && !blocked
        })
    }

    /// States that differ only in how often something was counted are one.
    pub(crate) fn normalise(&mut self) {
        self.slots.ended.clear();
        self.slots.last_contact = None;
        let mut versions = vec![self.slots.version];
        let mut wakes = vec![self.slots.wakes];
        for seen in self.seen() {
            seen.ended.clear();
            seen.last_contact = None;
            versions.push(seen.version);
            wakes.push(seen.wakes);
        }
        let rank = |values: &mut Vec<u64>| {
            values.sort_unstable();
            values.dedup();
            values.retain(|value| *value > 0);
        };
        rank(&mut versions);
        rank(&mut wakes);
        let of =
            |values: &[u64], value: u64| values.iter().position(|other| *other == value).map_or(0, |at| at as u64 + 1);
        self.slots.version = of(&versions, self.slots.version);
        self.slots.wakes = of(&wakes, self.slots.wakes);
        for slot in self.slots.slots.values_mut() {
            slot.since = at(0);
        }
        for seen in self.seen() {
            seen.version = of(&versions, seen.version);
            seen.wakes = of(&wakes, seen.wakes);
            for slot in seen.slots.values_mut() {
                slot.since = at(0);
            }
        }
        self.processes.retain(|process| !process.ops.is_empty());
        self.processes.sort_by_cached_key(|process| {
            let mut hasher = DefaultHasher::new();
            process.hash(&mut hasher);
            hasher.finish()
        });
    }

    fn seen(&mut self) -> impl Iterator<Item = &mut Slots> {
        self.processes.iter_mut().flat_map(|process| &mut process.ops).filter_map(|op| match op {
            Op::Claim { to: seen, .. }
            | Op::Receive { seen, .. }
            | Op::Close { seen, .. }
            | Op::Commit { seen, .. } => Some(&mut **seen),
            _ => None,
        })
    }
}
