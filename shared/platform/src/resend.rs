//! The record is the truth, the queue's pointer can be lost: open messages whose pointer is gone are sent again, the
//! whole of a workspace's queue in order, each under a new epoch, so that an old pointer that turns up is worth nothing.

use std::collections::BTreeMap;

use rules::lane::Lane;
use rules::message::{Message, State};
use rules::{MessageId, WorkspaceId};

use crate::decide::{Fault, decide};
use crate::platform::Platform;
use crate::problem::Result;

/// How many lanes are cleared at once; the others have their turn later.
const MOST_CLEARED: usize = 16;
/// So many messages before a lane's first are looked at for one that holds it.
const MOST_BEFORE: u32 = 100;

impl Platform {
    /// Sends the pointers of all queued messages of a workspace again, or of those in some lanes; returns how many. What
    /// waits outside the queue for its time goes on waiting.
    ///
    /// # Errors
    /// 503 when table or queue do not answer; what was sent again stays sent.
    pub async fn resend(&self, target: WorkspaceId, lanes: Option<&BTreeMap<String, MessageId>>) -> Result<usize> {
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

    /// Deletes the pointers that hold these lanes though nobody has their messages: of ended ones before the lane's first,
    /// and the first one's own. What was to settle them failed, or who was to do it was ended first.
    ///
    /// # Errors
    /// 503 when the datastore does not answer.
    pub async fn clear_lanes(&self, target: WorkspaceId, lanes: &BTreeMap<String, MessageId>) -> Result<()> {
        for (lane, first) in lanes.iter().take(MOST_CLEARED) {
            let ended = |message: &Message| {
                message.state.is_terminal()
                    && Lane::new(target, message.context_id.as_deref()).message_group_id() == *lane
            };
            let before = self.store.messages(target, Some(*first), MOST_BEFORE, ended).await?;
            let first = self.store.message(target, *first).await?.filter(|first| first.state == State::Queued);
            for message in before.messages.iter().chain(&first) {
                self.forget_pointer(message).await;
            }
        }
        Ok(())
    }

    /// Deletes the pointer that a message had when it was last received. Where that is gone or was received again since,
    /// SQS knows no such receipt.
    pub async fn forget_pointer(&self, message: &Message) {
        if let Some(receipt) = &message.receipt
            && let Err(error) = self.queues.delete(message.target, message.priority, receipt).await
        {
            tracing::debug!(%error, message = %message.id, "an old pointer is gone, or holds its lane until it shows");
        }
    }
}
