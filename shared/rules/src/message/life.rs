//! What happens to a message, one method for each step: the state, what it holds, and the line in its history with the
//! reason.

use std::time::Duration;

use super::{Caller, Message, Priority, State, Step};
use crate::id::{MessageId, WorkspaceId};
use crate::slots::Slot;
use crate::time::Timestamp;

/// Lines kept of a message's history; the middle ones go first.
pub(super) const MAX_TIMELINE: usize = 40;

/// What a message is from the moment of its acceptance on.
#[derive(Debug, Clone)]
pub struct Accepted {
    /// The `queue_id`.
    pub id: MessageId,
    /// The organisation.
    pub org: String,
    /// Who shall get it.
    pub target: WorkspaceId,
    /// Who sent it.
    pub caller: Caller,
    /// The A2A `messageId`.
    pub message_id: String,
    /// Digest of its body.
    pub body_digest: String,
    /// Not handed out after this.
    pub deadline: Timestamp,
    /// Not handed out before this.
    pub not_before: Option<Timestamp>,
}

impl Message {
    /// A message as it is accepted at `at`: it waits, in the queue, or outside of it if its time is still to come (a
    /// pointer would hold up its lane).
    pub fn accepted(accepted: Accepted, at: Timestamp) -> Self {
        let Accepted { id, org, target, caller, message_id, body_digest, deadline, not_before } = accepted;
        let mut message = Self {
            id,
            org,
            target,
            caller,
            method: "message/send".to_owned(),
            message_id,
            context_id: None,
            a2a_version: None,
            priority: Priority::default(),
            state: State::Queued,
            version: 1,
            body_digest,
            attempts: 0,
            send_epoch: 1,
            sent_at: not_before.is_none().then_some(at),
            slot: None,
            slot_epoch: 0,
            fetched: false,
            generation: 0,
            accepted_at: at,
            dispatched_at: None,
            finished_at: None,
            deadline,
            not_before,
            reason: None,
            receipt: None,
            answer: None,
            streamed: None,
            delegation: None,
            fire: None,
            trace: None,
            timeline: Vec::new(),
        };
        message.note(at, "accepted", "");
        if let Some(until) = not_before {
            message.note(at, "deferred", format!("until {}", until.rfc3339()));
        }
        message
    }

    /// Adds a line to the history.
    pub fn note(&mut self, at: Timestamp, what: &str, why: impl Into<String>) {
        if self.timeline.len() >= MAX_TIMELINE {
            self.timeline.remove(MAX_TIMELINE / 2);
        }
        self.timeline.push(Step { at, what: what.to_owned(), why: why.into() });
    }

    /// `queued → dispatched`: it takes the slot that holds it, and the receipt of its pointer.
    pub fn lease(&mut self, at: Timestamp, name: &str, slot: &Slot, receipt: &str, fetched: bool) {
        self.note(at, "leased", "");
        self.state = State::Dispatched;
        self.slot = Some(name.to_owned());
        self.slot_epoch = slot.epoch;
        self.generation = slot.generation;
        self.receipt = Some(receipt.to_owned());
        self.fetched = fetched;
        self.dispatched_at = Some(at);
    }

    /// `dispatched → delivered`: the agent has it, and its answer comes later.
    pub fn deliver(&mut self, at: Timestamp, why: &str) {
        self.note(at, "delivered", why);
        self.state = State::Delivered;
        self.reason = Some(why.to_owned());
    }

    /// Puts it back into its lane. An attempt is counted only where the agent got it and failed.
    pub fn release(&mut self, at: Timestamp, reason: impl Into<String>, not_before: Option<Timestamp>, attempt: bool) {
        let reason = reason.into();
        self.note(at, "released", reason.clone());
        self.state = State::Queued;
        self.reason = Some(reason);
        self.not_before = not_before;
        self.attempts += u32::from(attempt);
        self.slot = None;
    }

    /// Moves it to a state that ends it.
    pub fn finish(&mut self, at: Timestamp, state: State, reason: impl Into<String>) {
        let reason = reason.into();
        let told = if reason.is_empty() { state.as_str().to_owned() } else { format!("{}: {reason}", state.as_str()) };
        self.note(at, "done", told);
        self.state = state;
        self.reason = (!reason.is_empty()).then_some(reason);
        self.finished_at = Some(at);
        self.slot = None;
    }

    /// It died of this delivery, which counts among its attempts.
    pub fn fail(&mut self, at: Timestamp, reason: impl Into<String>) {
        self.attempts += 1;
        self.finish(at, State::Failed, reason);
    }

    /// Whether the delivery under this slot epoch ended in this state, for this reason (none is empty): who did not hear
    /// that it was stored brings the same ending again.
    pub fn has_ended(&self, slot_epoch: u64, state: State, reason: &str) -> bool {
        state.is_terminal()
            && (self.slot_epoch, self.state) == (slot_epoch, state)
            && self.reason.as_deref().unwrap_or_default() == reason
    }

    /// Whether the delivery under this slot epoch gave it back for this reason, and nobody has had it since.
    pub fn is_released(&self, slot_epoch: u64, reason: &str) -> bool {
        (self.slot_epoch, self.state) == (slot_epoch, State::Queued) && self.reason.as_deref() == Some(reason)
    }

    /// Whether its pointer may still be in flight, if nothing settled it: it was last received no longer ago than the
    /// longest delivery takes.
    pub fn may_be_in_flight(&self, now: Timestamp, longest: Duration) -> bool {
        self.receipt.is_some() && self.dispatched_at.is_some_and(|at| now.since(at) <= longest)
    }

    /// Its pointer counts no more; the next one has a new epoch.
    pub fn point_anew(&mut self, at: Timestamp) {
        self.send_epoch += 1;
        self.sent_at = Some(at);
    }

    /// Revives one that ended without an answer: as if accepted now, with all its attempts before it, at the place in its
    /// lane that its id gives it. False if it cannot be revived.
    pub fn replay(&mut self, at: Timestamp, by: &str) -> bool {
        if !self.state.may_be_replayed() {
            return false;
        }
        self.note(at, "replayed", by);
        self.state = State::Queued;
        self.reason = None;
        self.finished_at = None;
        self.accepted_at = at;
        self.attempts = 0;
        self.not_before = None;
        self.deadline = at + self.priority.default_life();
        self.point_anew(at);
        true
    }

    /// Waits outside the queue for its time.
    pub fn is_deferred(&self) -> bool {
        self.state == State::Queued && self.sent_at.is_none()
    }

    /// How often it went back into its lane.
    pub fn releases(&self) -> u32 {
        let count = self.timeline.iter().filter(|step| step.what == "released").count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }
}
