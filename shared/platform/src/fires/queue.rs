//! Where a fire goes that is placed: into the queue as a message of its own, or in the place of an earlier one that waits.

use rules::MessageId;
use rules::message::{Accepted, Caller, Message, State};
use rules::schedule::{Fire, Open, Outcome, Schedule, envelope, message_id};
use rules::workspace::Workspace;

use super::settled;
use crate::decide::Fault;
use crate::entropy::digest_bytes;
use crate::platform::Platform;
use crate::store::{BodyKind, FireKey, Snapshot};

/// Stands in the body until the turn begins.
const LATER: &str = "(the schedule's prompt, as it is when the turn begins)";

impl Platform {
    /// One transaction: the message, by which every drain finds it, the row of the fire, and the schedule.
    pub(super) async fn queue_fire(
        &self,
        seen: &Snapshot,
        workspace: &Workspace,
        mut schedule: Schedule,
        mut fire: Fire,
        claim: Option<&str>,
    ) -> Result<Message, Fault> {
        let (now, keep) = (self.now(), self.config.retention);
        let queue_id = MessageId::new(self.entropy.ordered_uuid(now));
        schedule.place(&mut fire, queue_id, now);
        let body = envelope(&schedule, &fire, queue_id, LATER);
        let accepted = Accepted {
            id: queue_id,
            org: workspace.org.clone(),
            target: workspace.id,
            caller: Caller::System("scheduler".to_owned()),
            message_id: message_id(&fire, queue_id),
            body_digest: digest_bytes(&body),
            deadline: schedule.begin_by(fire.nominal, now),
            not_before: None,
        };
        let message = Message {
            generation: workspace.generation,
            fire: Some(fire.turn()),
            trace: Some(self.new_trace()),
            ..Message::accepted(accepted, now)
        };
        let mut transaction = self
            .store
            .transaction()
            .put_schedule(&schedule)
            .create_fire(&fire, keep)
            .check_workspace(workspace)
            .create_message(&message, keep)
            .open_slots(workspace.id, message.priority, now);
        if seen.lease.is_some() {
            transaction = transaction.raise_work(workspace.id);
        }
        if let Some(claim) = claim {
            transaction = self.claim_rule(transaction, workspace.id, claim, &message);
        }
        let life = message.deadline.since(now) + keep;
        self.store.with_body(transaction, queue_id, BodyKind::Request, &body, now, life).await?.commit().await?;
        Ok(message)
    }

    /// The message of a fire that waits stands for a newer fire from now on: it keeps its place in the queue.
    pub(super) async fn take_over(
        &self,
        workspace: &Workspace,
        mut schedule: Schedule,
        mut fire: Fire,
        open: &Open,
        claim: Option<&str>,
    ) -> Result<(), Fault> {
        let (now, keep) = (self.now(), self.config.retention);
        let Some(mut message) = self.store.message(workspace.id, open.queue_id).await? else {
            self.forget_open(workspace.id, schedule.id, open.queue_id).await?;
            return Err(Fault::Moved);
        };
        if message.state != State::Queued {
            return Err(Fault::Moved);
        }
        message.fire = Some(fire.turn());
        message.message_id = message_id(&fire, message.id);
        message.deadline = message.deadline.max(schedule.begin_by(fire.nominal, now));
        message.note(now, "coalesced", format!("stands for the fire of {} now", fire.nominal.rfc3339()));
        message.version += 1;
        let reason = format!("its turn had not begun when the fire of {} came", fire.nominal.rfc3339());
        let old = FireKey::of_open(&schedule, open);
        schedule.close(open.queue_id, Outcome::Coalesced, Some(&reason));
        schedule.place(&mut fire, message.id, now);
        let mut transaction =
            self.store.transaction().put_schedule(&schedule).create_fire(&fire, keep).put_message(&message, keep);
        if let Some(claim) = claim {
            transaction = self.claim_rule(transaction, workspace.id, claim, &message);
        }
        if let Some(mut old) = self.store.fire(old).await? {
            old.settle(Outcome::Coalesced, &reason, now);
            transaction = transaction.put_fire(&old, keep);
            transaction = self.tell(transaction, workspace, Some(settled(&old, Some(&schedule))));
        }
        Ok(transaction.commit().await?)
    }
}
