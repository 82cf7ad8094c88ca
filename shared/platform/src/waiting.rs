//! What can happen to a message beside being delivered: it ends while it waits, is called off, is revived, or its time
//! comes.

use std::time::Duration;

use rules::event::{Event, EventType};
use rules::lane::Lane;
use rules::message::{Message, State};
use rules::{MessageId, Status, WorkspaceId};
use serde_json::json;

use crate::decide::{Fault, decide};
use crate::delivery::{Delivery, Ended, Ending, SlotAfter, end_event};
use crate::platform::Platform;
use crate::problem::{Problem, Result};
use crate::queues::{Pointer, Reminder};
use crate::store::{Look, StoreError};

/// Rounds of calling off a message that keeps moving between waiting and being held.
const ROUNDS: u32 = 5;

/// What came of calling a message off.
#[derive(Debug, Clone)]
pub enum Cancelled {
    /// It is cancelled now.
    Done(Box<Message>),
    /// It had ended before.
    Over(Box<Message>),
    /// No such message.
    Unknown,
}

impl Platform {
    /// Ends a message that waits, without a delivery; the message as it is then, if it was waiting.
    ///
    /// # Errors
    /// 503 when the datastore does not answer.
    pub async fn end_waiting(
        &self,
        target: WorkspaceId,
        id: MessageId,
        state: State,
        reason: &str,
    ) -> Result<Option<Message>> {
        decide(|| async move {
            let snapshot = self.store.look(target, &Look::record().message(id)).await?;
            let (Some(workspace), Some(mut message)) = (snapshot.workspace, snapshot.message) else { return Ok(None) };
            if !(message.state == State::Queued && message.state.may_become(state)) {
                return Ok(None);
            }
            message.finish(self.now(), state, reason);
            message.version += 1;
            let event = end_event(&message);
            let mut transaction = self.store.transaction().put_message(&message, self.config.retention);
            if workspace.status != Status::Removed {
                transaction = transaction.count_open(target, -1);
            }
            let transaction =
                self.stitch(self.tell(transaction, &workspace, event), &workspace, &message, None).await?;
            transaction.commit().await?;
            Ok(Some(message))
        })
        .await
    }

    /// Calls a message off, wherever it is. An agent that has it is told, if it can be; what it still answers is late.
    ///
    /// # Errors
    /// 503 when the datastore does not answer.
    pub async fn cancel(&self, target: WorkspaceId, id: MessageId, reason: &str) -> Result<Cancelled> {
        for _ in 0..ROUNDS {
            let Some(message) = self.store.message(target, id).await? else { return Ok(Cancelled::Unknown) };
            if message.state.is_terminal() {
                return Ok(Cancelled::Over(Box::new(message)));
            }
            if message.state == State::Queued {
                if let Some(message) = self.end_waiting(target, id, State::Cancelled, reason).await? {
                    return Ok(Cancelled::Done(Box::new(message)));
                }
                continue;
            }
            let ending = Ending::Cancelled(reason.to_owned());
            if let Ended::Settled(message) =
                self.end_delivery(&Delivery::of(&message), &ending, SlotAfter::Free).await?
            {
                let word = Reminder::Cancelled { workspace_id: target, queue_id: id };
                if !message.fetched
                    && let Err(error) = self.queues.hand_to_dispatch(&word).await
                {
                    tracing::warn!(%error, message = %id, "an agent does not hear that its message is cancelled");
                }
                self.wake_drain(target).await;
                return Ok(Cancelled::Done(message));
            }
        }
        Err(Problem::unavailable())
    }

    /// Revives a message that ended without an answer.
    ///
    /// # Errors
    /// 404 unknown; 409 `not_replayable`; 410 when the workspace is removed; 503.
    pub async fn replay(&self, target: WorkspaceId, id: MessageId, by: &str) -> Result<Message> {
        let message = decide(|| self.replay_round(target, id, by)).await?;
        if let Err(error) = self.point_to(&message).await {
            // It is queued: the sweep sends it.
            tracing::warn!(%error, message = %id, "the pointer of a revived message was not sent");
        }
        self.wake_drain(target).await;
        Ok(message)
    }

    async fn replay_round(&self, target: WorkspaceId, id: MessageId, by: &str) -> Result<Message, Fault> {
        let snapshot = self.store.look(target, &Look::record().lease().message(id)).await?;
        let mut message = snapshot.message.ok_or_else(Problem::unknown_message)?;
        let workspace = snapshot.workspace.ok_or_else(Problem::no_workspace)?;
        if workspace.status == Status::Removed {
            return Err(Problem::gone().into());
        }
        if !message.replay(self.now(), by) {
            let text = format!(
                "the message is {}; only one that failed, expired or was dropped is replayed",
                message.state.as_str()
            );
            return Err(Problem::conflict("not_replayable", text).with("status", message.state.as_str()).into());
        }
        message.version += 1;
        let event = Event::new(EventType::MessageReplayed, json!({ "queue_id": id, "by": by }));
        let mut transaction = self
            .store
            .transaction()
            .check_workspace(&workspace)
            .put_message(&message, self.config.retention)
            .open_slots(target, message.priority, message.accepted_at);
        if snapshot.lease.is_some() {
            transaction = transaction.raise_work(target);
        }
        let kept = self.store.keep_body(transaction, &message, self.now(), self.config.retention).await;
        let transaction = kept.map_err(|error| match error {
            StoreError::Corrupt(_) => Problem::conflict("not_replayable", "the message's body is gone"),
            error => error.into(),
        })?;
        self.tell(transaction, &workspace, Some(event)).commit().await?;
        Ok(message)
    }

    /// Sends a message that waited outside the queue for its time, if that has come; else asks to be reminded.
    ///
    /// # Errors
    /// 503 when table or queue do not answer.
    pub async fn send_due(&self, target: WorkspaceId, id: MessageId) -> Result<()> {
        let Some(message) = decide(|| self.send_due_round(target, id)).await? else { return Ok(()) };
        if message.is_deferred() {
            return Ok(self.remind_of(&message).await?);
        }
        self.point_to(&message).await?;
        self.wake_drain(target).await;
        Ok(())
    }

    async fn send_due_round(&self, target: WorkspaceId, id: MessageId) -> Result<Option<Message>, Fault> {
        let Some(mut message) = self.store.message(target, id).await? else { return Ok(None) };
        if !message.is_deferred() || message.not_before.is_some_and(|at| at > self.now()) {
            return Ok(Some(message).filter(Message::is_deferred));
        }
        message.point_anew(self.now());
        message.note(self.now(), "due", "");
        message.version += 1;
        self.store.transaction().put_message(&message, self.config.retention).commit().await?;
        Ok(Some(message))
    }

    /// Asks to be reminded of a message that waits outside the queue.
    ///
    /// # Errors
    /// SQS does not answer; the sweep finds it too.
    pub async fn remind_of(&self, message: &Message) -> Result<(), crate::queues::QueueError> {
        let delay = message.not_before.map_or(Duration::ZERO, |at| at.since(self.now()));
        let reminder = Reminder::Due { workspace_id: message.target, queue_id: message.id };
        self.queues.remind(&reminder, delay).await
    }

    /// Sends the pointer of a message. A queue that had to be made for it may be that of a workspace which is deleted
    /// meanwhile, and would stay for ever.
    ///
    /// # Errors
    /// SQS does not answer.
    pub async fn point_to(&self, message: &Message) -> Result<(), crate::queues::QueueError> {
        let target = message.target;
        let lane = Lane::new(target, message.context_id.as_deref()).message_group_id();
        let pointer = Pointer { message: message.id, epoch: message.send_epoch };
        if self.queues.send(target, message.priority, &lane, &pointer).await? {
            match self.store.workspace(target).await {
                Ok(workspace) if workspace.as_ref().is_none_or(|workspace| workspace.status == Status::Removed) => {
                    self.queues.delete_all(target).await?;
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, workspace = %target, "a queue was made, perhaps for nobody"),
            }
        }
        Ok(())
    }
}
