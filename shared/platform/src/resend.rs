//! The record is the truth, the queue's pointer can be lost: open messages whose pointer is gone are sent again, the
//! whole of a workspace's queue in order, each under a new epoch, so that an old pointer that turns up is worth nothing.

use rules::lane::Lane;
use rules::message::State;
use rules::{MessageId, WorkspaceId};

use crate::decide::{Fault, decide};
use crate::platform::Platform;
use crate::problem::Result;
use crate::queues::Pointer;

impl Platform {
    /// Sends the pointers of all queued messages of a workspace again; returns how many.
    ///
    /// # Errors
    /// 503 when table or queue do not answer; what was sent again stays sent.
    pub async fn resend(&self, target: WorkspaceId) -> Result<usize> {
        let mut sent = 0;
        for id in self.store.open_messages(target).await? {
            sent += usize::from(decide(|| self.resend_one(target, id)).await?);
        }
        Ok(sent)
    }

    async fn resend_one(&self, target: WorkspaceId, id: MessageId) -> Result<bool, Fault> {
        let Some(mut message) = self.store.message(target, id).await? else { return Ok(false) };
        if message.state != State::Queued {
            return Ok(false);
        }
        message.send_epoch += 1;
        message.sent_at = Some(self.now());
        message.version += 1;
        message.note(self.now(), "sent again", "its pointer was lost");
        self.store.transaction().put_message(&message, self.config.retention).commit().await?;
        let lane = Lane::new(target, message.context_id.as_deref()).message_group_id();
        let pointer = Pointer { message: id, epoch: message.send_epoch };
        self.queues.send(target, message.priority, &lane, &pointer).await?;
        Ok(true)
    }
}
