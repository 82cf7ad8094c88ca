//! The record is the truth, the queue's pointer can be lost: open messages whose pointer is gone are sent again, the
//! whole of a workspace's queue in order, each under a new epoch, so that an old pointer that turns up is worth nothing.

use std::collections::BTreeMap;

use rules::lane::Lane;
use rules::message::{Message, State};
use rules::{MessageId, WorkspaceId};

use crate::decide::{Fault, decide};
use crate::platform::Platform;
use crate::problem::Result;

/// So many messages before the newest of the lanes' first ones are looked at for those that hold a lane.
const MOST_BEFORE: u32 = 500;

impl Platform {
    /// Sends the pointers of all queued messages of a workspace again, or of those in some lanes; returns how many. What
    /// waits outside the queue for its time goes on waiting.
    ///
    /// # Errors
    /// 503 when table or queue do not answer; what was sent again stays sent.
    pub async fn resend(&self, target: WorkspaceId, lanes: Option<&BTreeMap<String, Message>>) -> Result<usize> {
        let mut sent = 0;
        for open in self.store.open(target).await? {
            if open.state == State::Queued && lanes.is_none_or(|lanes| lanes.contains_key(&open.lane)) {
                sent += usize::from(decide(|| self.resend_one(target, open.id)).await?);
            }
        }
        Ok(sent)
    }

    async fn resend_one(&self, target: WorkspaceId, id: MessageId) -> Result<bool, Fault> {
        let Some(mut message) = self.store.message(target, id).await? else { return Ok(false) };
        if message.state != State::Queued || message.is_deferred() {
            return Ok(false);
        }
        message.point_anew(self.now());
        message.version += 1;
        message.note(self.now(), "sent again", "its pointer was lost");
        self.store.transaction().put_message(&message, self.config.retention).commit().await?;
        self.forget_pointer(&message).await;
        self.point_to(&message).await?;
        Ok(true)
    }

    /// Settles the pointers that hold these lanes, each given with its first message, though nobody has their messages:
    /// what was to settle them failed, or who was to do it was ended first. A lane whose pointer is not found is free when
    /// the longest turn is over.
    ///
    /// # Errors
    /// 503 when the datastore does not answer.
    pub async fn clear_lanes(&self, target: WorkspaceId, lanes: &BTreeMap<String, Message>) -> Result<()> {
        let (now, longest) = (self.now(), self.config.max_turn + self.config.turn_grace);
        let in_flight = |message: &Message| {
            message.may_be_in_flight(now, longest)
                && lanes.contains_key(&Lane::new(target, message.context_id.as_deref()).message_group_id())
        };
        let ended = |message: &Message| message.state.is_terminal() && in_flight(message);
        // A lane's first one comes after what holds it.
        let newest = lanes.values().map(|first| first.id).max();
        let before = self.store.messages(target, newest, MOST_BEFORE, ended).await?;
        for message in &before.messages {
            self.forget_pointer(message).await;
        }
        for first in lanes.values().filter(|first| first.state == State::Queued && in_flight(first)) {
            // It goes to the head of its lane.
            self.settle_pointer(first).await;
        }
        Ok(())
    }

    /// Deletes the pointer that a message had when it was last received. Where that is gone or was received again since,
    /// SQS knows no such receipt.
    async fn forget_pointer(&self, message: &Message) {
        if let Some(receipt) = &message.receipt
            && let Err(error) = self.queues.delete(message.target, message.priority, receipt).await
        {
            tracing::debug!(%error, message = %message.id, "an old pointer is gone, or holds its lane until it shows");
        }
    }
}
