//! How a delivery ends: the answer stored, the record settled, the slot ended, in one transaction; then the pointer goes.
//! The dispatch function ends the deliveries that it waited for, the result route those that the agent answers later.

use std::time::Duration;

use bytes::Bytes;
use rules::event::{Event, EventType};
use rules::message::{Answer, Message, State};
use rules::slots::{Contact, Slots};
use rules::{MessageId, Timestamp, WorkspaceId};
use serde_json::json;

use crate::decide::{Fault, decide};
use crate::platform::Platform;
use crate::problem::Result;
use crate::store::{BodyKind, Look};

/// A slot that is between two messages is held this long.
pub const BETWEEN: Duration = Duration::from_secs(60);

/// How a delivery ended.
#[derive(Debug, Clone)]
pub enum Ending {
    /// The agent answered.
    Answered {
        /// HTTP status.
        status: u16,
        /// Of the body.
        content_type: String,
        /// As the agent sent it.
        body: Bytes,
    },
    /// There will be no answer.
    Failed(String),
    /// Back into its lane.
    Released {
        /// Why.
        reason: String,
        /// Not before this.
        not_before: Option<Timestamp>,
        /// The agent got it and failed.
        attempt: bool,
    },
}

/// What becomes of the slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotAfter {
    /// Somebody else may have it.
    Free,
    /// The same drain goes on with it.
    Kept,
}

/// What an ending changed.
#[derive(Debug, Clone)]
pub enum Ended {
    /// The message is settled or released as asked; here it is, with the pointer's receipt that it held.
    Settled(Box<Message>, Option<String>),
    /// The slot epoch is not the message's any more: noted, nothing changed.
    Late,
    /// No such message.
    Unknown,
}

impl Platform {
    /// Ends the delivery of `id` under `slot_epoch`.
    ///
    /// # Errors
    /// 503 when the datastore does not answer; nothing is half done.
    pub async fn end_delivery(
        &self,
        target: WorkspaceId,
        id: MessageId,
        slot_epoch: u64,
        ending: &Ending,
        slot_after: SlotAfter,
    ) -> Result<Ended> {
        decide(|| self.end_round(target, id, slot_epoch, ending, slot_after)).await
    }

    async fn end_round(
        &self,
        target: WorkspaceId,
        id: MessageId,
        slot_epoch: u64,
        ending: &Ending,
        slot_after: SlotAfter,
    ) -> Result<Ended, Fault> {
        let now = self.now();
        let snapshot = self.store.look(target, &Look::record().slots().message(id)).await?;
        let (Some(workspace), Some(mut message)) = (snapshot.workspace, snapshot.message) else {
            return Ok(Ended::Unknown);
        };
        message.version += 1;
        let keep = self.config.retention;
        let held = matches!(message.state, State::Dispatched | State::Delivered);
        if !held || message.slot_epoch != slot_epoch {
            message.note(now, "late", format!("an answer of slot epoch {slot_epoch}"));
            self.store.transaction().put_message(&message, keep).commit().await?;
            return Ok(Ended::Late);
        }
        let slot = message.slot.clone().unwrap_or_default();
        let receipt = message.receipt.clone();
        let mut slots = snapshot.slots;
        let mut transaction = self.store.transaction();
        // A claim writes slots before all else: those that were never written went with their workspace.
        if slots.version > 0 {
            settle_slot(&mut slots, &slot, ending, slot_after, now);
            transaction = transaction.put_slots(target, &slots);
        }
        let event = settle_message(&mut message, ending, now);
        if let Ending::Answered { body, .. } = ending {
            transaction = self.store.with_body(transaction, id, BodyKind::Answer, body, now, keep).await?;
        }
        transaction = self.tell(transaction.put_message(&message, keep), &workspace, event);
        transaction.commit().await?;
        Ok(Ended::Settled(Box::new(message), receipt))
    }

    /// Ends a message that waits, without a delivery.
    ///
    /// # Errors
    /// 503 when the datastore does not answer.
    pub async fn end_waiting(&self, target: WorkspaceId, id: MessageId, state: State, reason: &str) -> Result<()> {
        decide(|| async move {
            let snapshot = self.store.look(target, &Look::record().message(id)).await?;
            let (Some(workspace), Some(mut message)) = (snapshot.workspace, snapshot.message) else { return Ok(()) };
            if !(message.state == State::Queued && message.state.may_become(state)) {
                return Ok(());
            }
            message.finish(self.now(), state, reason);
            message.version += 1;
            let event = end_event(&message);
            let transaction = self.store.transaction().put_message(&message, self.config.retention);
            Ok(self.tell(transaction, &workspace, event).commit().await?)
        })
        .await
    }
}

fn settle_slot(slots: &mut Slots, slot: &str, ending: &Ending, after: SlotAfter, now: Timestamp) {
    match after {
        SlotAfter::Free => slots.end(slot, now),
        SlotAfter::Kept => slots.reuse(slot, now, BETWEEN),
    };
    let (reached, evidence) = match ending {
        Ending::Answered { .. } => (true, String::new()),
        Ending::Failed(reason) | Ending::Released { reason, .. } => (false, reason.clone()),
    };
    slots.last_contact = Some(Contact { at: now, reached, evidence });
}

fn settle_message(message: &mut Message, ending: &Ending, now: Timestamp) -> Option<Event> {
    match ending {
        Ending::Answered { status, content_type, .. } => {
            message.note(now, "answered", status.to_string());
            message.answer = Some(Answer { status: *status, content_type: content_type.clone() });
            message.finish(now, State::Completed, "");
            None
        }
        Ending::Failed(reason) => {
            message.finish(now, State::Failed, reason.clone());
            Some(Event::new(
                EventType::MessageFailed,
                json!({ "queue_id": message.id, "caller": message.caller.key(), "reason": reason }),
            ))
        }
        Ending::Released { reason, not_before, attempt } => {
            message.release(now, reason.clone(), *not_before, *attempt);
            None
        }
    }
}

/// The event of a message that ended without an answer.
pub fn end_event(message: &Message) -> Option<Event> {
    let kind = match message.state {
        State::Failed => EventType::MessageFailed,
        State::Expired => EventType::MessageExpired,
        State::Cancelled => EventType::MessageCancelled,
        State::Dropped => EventType::MessageDropped,
        _ => return None,
    };
    Some(Event::new(kind, json!({ "queue_id": message.id, "caller": message.caller.key(), "reason": message.reason })))
}
