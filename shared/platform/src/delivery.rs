//! How a delivery ends: the answer stored, the record settled, the slot ended, in one transaction; then the pointer goes.
//! The dispatch function ends the deliveries that it waited for, the result route those that the agent answers later.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use rules::event::{Event, EventType};
use rules::message::{Answer, Message, State};
use rules::slots::{Contact, Slots};
use rules::task::agent_task;
use rules::{MessageId, Timestamp, WorkspaceId};
use serde_json::json;

use crate::decide::{Fault, decide};
use crate::platform::Platform;
use crate::problem::Result;
use crate::store::{BodyKind, Look, SlotsChange};

/// A slot that is between two messages is held this long.
pub const BETWEEN: Duration = Duration::from_secs(60);
/// The pause before an ending is stored again; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// A message in somebody's hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery {
    /// Whose hands.
    pub target: WorkspaceId,
    /// Which message.
    pub id: MessageId,
    /// Under which slot epoch.
    pub slot_epoch: u64,
    /// When the agent was called, if it was and its record does not know yet.
    pub sent_at: Option<Timestamp>,
}

impl Delivery {
    /// Of a message whose record says who has it.
    pub const fn of(message: &Message) -> Self {
        Self { target: message.target, id: message.id, slot_epoch: message.slot_epoch, sent_at: None }
    }
}

/// How a delivery ended.
#[derive(Debug, Clone)]
pub enum Ending {
    /// The agent answered.
    Answered {
        /// HTTP status.
        status: u16,
        /// Of the body.
        content_type: String,
        /// The agent's `A2A-Version`.
        a2a_version: Option<String>,
        /// As the agent sent it.
        body: Bytes,
    },
    /// There will be no answer.
    Failed(String),
    /// Nobody wants it any more.
    Cancelled(String),
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
    /// The message is settled or released as asked, now or when the same was asked before; here it is.
    Settled(Box<Message>),
    /// The slot epoch is not the message's any more: noted, nothing changed.
    Late,
    /// No such message.
    Unknown,
}

impl Platform {
    /// Ends a delivery: record, slot and answer in one transaction, then the pointer. An ending is worth more than the
    /// time of whoever brings it: a datastore that does not answer is tried again for `SETTLE_RETRY_SECONDS`.
    ///
    /// # Errors
    /// 503 when the datastore does not answer; nothing is half done.
    pub async fn end_delivery(&self, delivery: &Delivery, ending: &Ending, after: SlotAfter) -> Result<Ended> {
        let last = tokio::time::Instant::now() + self.config.settle_retry;
        let mut pause = FIRST_PAUSE;
        let mut perhaps_stored = false;
        let ended = loop {
            match decide(|| self.end_round(delivery, ending, after)).await {
                Err(problem) if problem.status == StatusCode::SERVICE_UNAVAILABLE => {
                    if tokio::time::Instant::now() + pause > last {
                        return Err(problem);
                    }
                    tracing::warn!(message = %delivery.id, code = problem.code, "an ending could not be stored yet");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                    perhaps_stored = true;
                }
                settled => break settled?,
            }
        };
        Ok(match ended {
            Some((message, again)) => {
                self.settle_pointer(&message).await;
                if message.state == State::Failed && (!again || perhaps_stored) {
                    self.bury(&message).await;
                }
                Ended::Settled(message)
            }
            None if self.store.message(delivery.target, delivery.id).await?.is_some() => Ended::Late,
            None => Ended::Unknown,
        })
    }

    /// The settled message, and whether it was settled so before.
    async fn end_round(
        &self,
        delivery: &Delivery,
        ending: &Ending,
        slot_after: SlotAfter,
    ) -> Result<Option<(Box<Message>, bool)>, Fault> {
        let (now, target, id) = (self.now(), delivery.target, delivery.id);
        let snapshot = self.store.look(target, &Look::record().slots().message(id)).await?;
        let (Some(workspace), Some(mut message)) = (snapshot.workspace, snapshot.message) else {
            return Ok(None);
        };
        if self.has_ended_so(&message, delivery, ending).await? {
            return Ok(Some((Box::new(message), true)));
        }
        message.version += 1;
        let keep = self.config.retention;
        if !message.state.is_held() || message.slot_epoch != delivery.slot_epoch {
            message.note(now, "late", format!("an answer of slot epoch {}", delivery.slot_epoch));
            self.store.transaction().put_message(&message, keep).commit().await?;
            return Ok(None);
        }
        let slot = message.slot.clone().unwrap_or_default();
        if let Some(sent_at) = delivery.sent_at {
            message.note(sent_at, "sent", "");
        }
        settle_message(&mut message, ending, now);
        let event = end_event(&message);
        let mut slots = snapshot.slots;
        let mut transaction = self.store.transaction();
        // A claim writes slots before all else: those that were never written went with their workspace.
        if slots.version > 0 {
            settle_slot(&mut slots, &slot, ending, slot_after, now);
            let change = SlotsChange::to(&slots)
                .ended(message.state.is_terminal())
                .fed(matches!(ending, Ending::Answered { .. }));
            transaction = transaction.put_slots(target, change);
        }
        if let Ending::Answered { body, .. } = ending {
            transaction = self.store.with_body(transaction, id, BodyKind::Answer, body, now, keep).await?;
            transaction = transaction.name_task(&message, keep);
        }
        transaction = self.tell(transaction.put_message(&message, keep), &workspace, event);
        let answer = match ending {
            Ending::Answered { body, .. } => Some(body.as_ref()),
            _ => None,
        };
        self.stitch(transaction, &workspace, &message, answer).await?.commit().await?;
        Ok(Some((Box::new(message), false)))
    }

    /// Whether this very ending is stored already: who did not hear that it was brings it again.
    async fn has_ended_so(&self, message: &Message, delivery: &Delivery, ending: &Ending) -> Result<bool, Fault> {
        let epoch = delivery.slot_epoch;
        Ok(match ending {
            Ending::Answered { body, .. } if message.has_ended(epoch, State::Completed, "") => {
                self.store.body(message.id, BodyKind::Answer).await?.as_ref() == Some(body)
            }
            Ending::Failed(reason) => message.has_ended(epoch, State::Failed, reason),
            Ending::Released { reason, .. } => message.is_released(epoch, reason),
            _ => false,
        })
    }

    /// The record is settled, and decides; a pointer that cannot be settled costs time, not a message.
    pub(crate) async fn settle_pointer(&self, message: &Message) {
        let (target, priority) = (message.target, message.priority);
        let Some(receipt) = &message.receipt else { return };
        let settled = match message.state {
            State::Queued => {
                let length = message.not_before.map_or(Duration::ZERO, |at| at.since(self.now()));
                self.queues.hide(target, priority, receipt, length).await
            }
            _ => self.queues.delete(target, priority, receipt).await,
        };
        if let Err(error) = settled {
            tracing::warn!(%error, message = %message.id, "a pointer was not settled; the queue or the sweep brings it back");
        }
    }

    async fn bury(&self, message: &Message) {
        if let Err(error) = self.queues.bury(message).await {
            tracing::error!(%error, message = %message.id, "no copy of a failed message for the alarm");
        }
    }
}

fn settle_slot(slots: &mut Slots, slot: &str, ending: &Ending, after: SlotAfter, now: Timestamp) {
    match after {
        SlotAfter::Free => slots.end(slot, now),
        SlotAfter::Kept => slots.reuse(slot, now, BETWEEN),
    };
    let (reached, evidence) = match ending {
        // That it was called off says nothing about the agent.
        Ending::Cancelled(_) => return,
        Ending::Answered { .. } => (true, String::new()),
        Ending::Failed(reason) | Ending::Released { reason, .. } => (false, reason.clone()),
    };
    slots.last_contact = Some(Contact { at: now, reached, evidence });
}

fn settle_message(message: &mut Message, ending: &Ending, now: Timestamp) {
    match ending {
        Ending::Answered { status, content_type, a2a_version, body } => {
            message.note(now, "answered", status.to_string());
            message.answer = Some(Answer {
                status: *status,
                content_type: content_type.clone(),
                a2a_version: a2a_version.clone(),
                task: agent_task(body),
            });
            message.finish(now, State::Completed, "");
        }
        Ending::Failed(reason) => message.fail(now, reason.clone()),
        Ending::Cancelled(reason) => message.finish(now, State::Cancelled, reason.clone()),
        Ending::Released { reason, not_before, attempt } => {
            message.release(now, reason.clone(), *not_before, *attempt);
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
