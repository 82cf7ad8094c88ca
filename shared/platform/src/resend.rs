//! The record is the truth, the queue's pointer can be lost: open messages whose pointer is gone are sent again, the
//! whole of a workspace's queue in order, each under a new epoch, so that an old pointer that turns up is worth nothing.

use std::collections::BTreeSet;

use rules::message::State;
use rules::{MessageId, WorkspaceId};

use crate::decide::{Fault, decide};
use crate::platform::Platform;
use crate::problem::Result;

impl Platform {
    /// Sends the pointers of all queued messages of a workspace again, or of those in some lanes; returns how many. What
    /// waits outside the queue for its time goes on waiting.
    ///
    /// # Errors
    /// 503 when table or queue do not answer; what was sent again stays sent.
    pub async fn resend(&self, target: WorkspaceId, lanes: Option<&BTreeSet<String>>) -> Result<usize> {
        let mut sent = 0;
        for open in self.store.open(target).await? {
            if open.state == State::Queued && lanes.is_none_or(|lanes| lanes.contains(&open.lane)) {
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
        self.point_to(&message).await?;
        Ok(true)
    }
}
