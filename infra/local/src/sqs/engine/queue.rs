//! One queue: its messages, the states that they pass through, and the instants at which they change by themselves.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::attempts::Attempts;
use super::backlog::{Backlog, Picking};
use super::content::Content;
use super::dedup::DedupWindow;
use super::settings::Settings;

/// At most this many messages of a queue are in flight.
const MAX_IN_FLIGHT: usize = 120_000;

/// A queue. What changes the state of a message goes through the methods here, which keep backlog, timers and
/// counts in agreement.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) name: Arc<str>,
    pub(super) number: u32,
    pub(super) settings: Settings,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) created_at: i64,
    pub(super) modified_at: i64,
    pub(super) purged_at: Option<i64>,
    pub(super) dedup: DedupWindow,
    pub(super) attempts: Attempts,
    pub(super) in_flight: usize,
    pub(super) delayed: usize,
    /// Something became receivable since the engine last asked.
    pub(super) woken: bool,
    /// The instant for which the engine has this queue in its alarms.
    pub(super) armed: Option<i64>,
    messages: HashMap<u64, Stored>,
    backlog: Backlog,
    timers: BTreeSet<(i64, u64)>,
    by_age: BTreeSet<(i64, u64)>,
    next_message: u64,
}

/// A message in a queue. Instants are Unix milliseconds.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) id: Arc<str>,
    pub(super) content: Arc<Content>,
    /// Empty on a standard queue whose sender named none.
    pub(super) group: Arc<str>,
    pub(super) dedup_id: Option<String>,
    pub(super) dead_letter_source: Option<Arc<str>>,
    pub(super) sent_at: i64,
    pub(super) receives: u32,
    pub(super) first_received_at: Option<i64>,
    pub(super) state: State,
}

/// Where a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Waiting,
    Delayed { until: i64 },
    InFlight { since: i64, until: i64 },
}

impl State {
    fn timer(self) -> Option<i64> {
        match self {
            Self::Waiting => None,
            Self::Delayed { until } | Self::InFlight { until, .. } => Some(until),
        }
    }
}

impl Queue {
    pub(super) fn new(name: Arc<str>, number: u32, settings: Settings, now_ms: i64) -> Self {
        Self {
            name,
            number,
            backlog: Backlog::new(settings.fifo),
            settings,
            tags: BTreeMap::new(),
            created_at: now_ms,
            modified_at: now_ms,
            purged_at: None,
            dedup: DedupWindow::default(),
            attempts: Attempts::default(),
            in_flight: 0,
            delayed: 0,
            woken: false,
            armed: None,
            messages: HashMap::new(),
            timers: BTreeSet::new(),
            by_age: BTreeSet::new(),
            next_message: 1,
        }
    }

    /// Whether as many messages are in flight as may be.
    pub(super) fn full(&self) -> bool {
        self.in_flight >= MAX_IN_FLIGHT
    }

    /// Messages that are neither in flight nor delayed.
    pub(super) fn visible(&self) -> usize {
        self.messages.len() - self.in_flight - self.delayed
    }

    pub(super) fn get(&self, message: u64) -> Option<&Stored> {
        self.messages.get(&message)
    }

    /// The number that the next message gets. Numbers rise, so they are the order and the sequence number.
    pub(super) fn next_number(&self) -> u64 {
        self.next_message
    }

    /// Adds a message that is waiting or delayed.
    pub(super) fn insert(&mut self, stored: Stored) {
        let message = self.next_message;
        self.next_message += 1;
        self.by_age.insert((stored.sent_at, message));
        if let State::Delayed { until } = stored.state {
            self.timers.insert((until, message));
            self.delayed += 1;
        }
        self.woken |= self.backlog.arrive(message, &stored.group, stored.state == State::Waiting);
        self.messages.insert(message, stored);
    }

    /// The next receivable message, in flight from now on; it counts as received.
    pub(super) fn take(&mut self, picking: &mut Picking, now_ms: i64, until: i64) -> Option<u64> {
        let message = self.backlog.take(picking)?;
        if let Some(stored) = self.messages.get_mut(&message) {
            stored.receives += 1;
            stored.first_received_at.get_or_insert(now_ms);
            stored.state = State::InFlight { since: now_ms, until };
            self.timers.insert((until, message));
            self.in_flight += 1;
        }
        Some(message)
    }

    /// Moves the end of a message's flight. Does nothing to a message that is not in flight.
    pub(super) fn extend(&mut self, message: u64, until: i64) {
        if let Some(Stored { state: State::InFlight { until: end, .. }, .. }) = self.messages.get_mut(&message) {
            self.timers.remove(&(*end, message));
            self.timers.insert((until, message));
            *end = until;
        }
    }

    /// Takes a message out, in whatever state it is.
    pub(super) fn remove(&mut self, message: u64) -> Option<Stored> {
        let stored = self.messages.remove(&message)?;
        self.by_age.remove(&(stored.sent_at, message));
        if let Some(at) = stored.state.timer() {
            self.timers.remove(&(at, message));
        }
        let opened = match stored.state {
            State::InFlight { .. } => {
                self.touch_down();
                self.backlog.land(&stored.group)
            }
            State::Delayed { .. } => {
                self.delayed -= 1;
                self.backlog.leave(message, &stored.group)
            }
            State::Waiting => self.backlog.leave(message, &stored.group),
        };
        self.woken |= opened;
        Some(stored)
    }

    /// Takes all messages out. The de-duplication window stays.
    pub(super) fn clear(&mut self) {
        self.messages.clear();
        self.timers.clear();
        self.by_age.clear();
        self.attempts = Attempts::default();
        self.backlog = Backlog::new(self.settings.fifo);
        self.in_flight = 0;
        self.delayed = 0;
    }

    /// Lets everything happen that is due: delays and flights end, old messages and old memories go.
    pub(super) fn advance(&mut self, now_ms: i64) {
        let kept_since = now_ms - self.retention_ms();
        while let Some(&(_, message)) = self.by_age.first().filter(|(sent_at, _)| *sent_at <= kept_since) {
            self.remove(message);
        }
        while let Some((_, message)) = self.timers.first().copied().filter(|(at, _)| *at <= now_ms) {
            self.timers.pop_first();
            self.wait(message);
        }
        self.dedup.advance(now_ms);
        self.attempts.advance(now_ms);
    }

    /// The next instant at which [`advance`](Self::advance) will find something to do.
    pub(super) fn next_instant(&self) -> Option<i64> {
        let timer = self.timers.first().map(|(at, _)| *at);
        let expiry = self.by_age.first().map(|(sent_at, _)| sent_at + self.retention_ms());
        timer.into_iter().chain(expiry).min()
    }

    /// Changes the delay of the messages that are still delayed: on a FIFO queue the setting works backwards.
    pub(super) fn delay_again(&mut self, delay_ms: i64) {
        let delayed: Vec<u64> = self
            .messages
            .iter()
            .filter(|(_, stored)| matches!(stored.state, State::Delayed { .. }))
            .map(|(message, _)| *message)
            .collect();
        for message in delayed {
            if let Some(stored) = self.messages.get_mut(&message)
                && let State::Delayed { until } = &mut stored.state
            {
                self.timers.remove(&(*until, message));
                *until = stored.sent_at + delay_ms;
                self.timers.insert((*until, message));
            }
        }
    }

    fn wait(&mut self, message: u64) {
        let Some(stored) = self.messages.get_mut(&message) else { return };
        let before = std::mem::replace(&mut stored.state, State::Waiting);
        let group = Arc::clone(&stored.group);
        self.woken |= match before {
            State::InFlight { .. } => {
                self.touch_down();
                self.backlog.come_back(message, &group)
            }
            State::Delayed { .. } => {
                self.delayed -= 1;
                self.backlog.due(message, &group)
            }
            State::Waiting => false,
        };
    }

    fn touch_down(&mut self) {
        self.woken |= self.full();
        self.in_flight -= 1;
    }

    fn retention_ms(&self) -> i64 {
        i64::from(self.settings.retention_s) * 1000
    }
}
