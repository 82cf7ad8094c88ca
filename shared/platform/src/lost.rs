//! Deliveries that nobody will end: their slot ran out, the workspace was started anew, or its agent is idle.

use rules::dispatch::{Loss, Next, settle_lost};
use rules::ladder::ran_past;
use rules::lease::Lease;
use rules::message::Message;
use rules::workspace::Workspace;
use rules::{Timestamp, WorkspaceId};

use crate::decide::decide;
use crate::delivery::{Delivery, Ending, SlotAfter};
use crate::platform::Platform;
use crate::problem::Result;
use crate::store::{Look, Snapshot};

impl Platform {
    /// Settles every delivery of a workspace that nobody will end, and drops empty slots that ran out. How many messages
    /// went back into their lanes or failed.
    ///
    /// # Errors
    /// 503 when the datastore does not answer.
    pub async fn settle_lost(&self, id: WorkspaceId, seen: &Snapshot, now: Timestamp) -> Result<usize> {
        let Some(workspace) = &seen.workspace else { return Ok(0) };
        if ran_past(&seen.slots, self.turn_limits(), now) {
            // It does not go back into its lane.
            self.climb(id).await?;
        }
        let mut settled = 0;
        for (name, slot, loss) in seen.slots.lost(workspace.generation, now) {
            if let Some(message) = slot.message
                && let Some(message) = self.store.message(id, message).await?
                && message.slot_epoch == slot.epoch
            {
                self.lose(&message, loss, dedupes(workspace, seen.lease.as_ref())).await?;
                settled += 1;
            }
            decide(|| async {
                let mut slots = self.store.look(id, &Look::record().slots()).await?.slots;
                if slots.slots.get(&name) == Some(&slot) && slots.end(&name, now) {
                    self.store.save_slots(id, slots).await?;
                }
                Ok(())
            })
            .await?;
        }
        Ok(settled)
    }

    /// Settles one message whose answer is lost, if it is still in the same hands.
    ///
    /// # Errors
    /// 503 when the datastore does not answer.
    pub async fn lose(&self, message: &Message, loss: Loss, dedupes: bool) -> Result<()> {
        if !message.state.is_held() {
            return Ok(());
        }
        let ending = match settle_lost(message, loss, dedupes) {
            Next::Release { reason, attempt, .. } => Ending::Released { reason, not_before: None, attempt },
            Next::Fail(reason) => Ending::Failed(reason),
            Next::Complete | Next::Await(_) => return Ok(()),
        };
        tracing::warn!(message = %message.id, workspace = %message.target, ?loss, "the answer to a message is lost");
        self.end_delivery(&Delivery::of(message), &ending, SlotAfter::Free).await?;
        Ok(())
    }
}

/// Whether the agent de-duplicates by messageId, as far as is known.
pub fn dedupes(workspace: &Workspace, lease: Option<&Lease>) -> bool {
    let beat = lease.map(|lease| &lease.beat).or(workspace.last_beat.as_ref());
    beat.is_some_and(|beat| beat.has("message_dedup"))
}
