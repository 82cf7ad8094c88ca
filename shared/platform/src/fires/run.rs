//! Firing now: by the API, or by an EventBridge rule of the user's own, through the same gate as a fire that is due.

use std::time::Duration;

use rules::message::Message;
use rules::schedule::{Fire, Placement, Step, Stretch, Trigger, place};
use rules::{MessageId, ScheduleId, Status, WorkspaceId};

use super::settled;
use crate::decide::{Fault, decide};
use crate::platform::Platform;
use crate::problem::{Problem, Result};
use crate::store::{Idempotency, Look, Transaction};
use crate::waiting::Cancelled;

/// How long a rule's event is remembered: EventBridge may bring it twice.
const REMEMBERED: Duration = Duration::from_secs(24 * 3600);

/// Rounds against fires that come at the same time.
const ROUNDS: u32 = 5;

enum Tried {
    Placed(Box<Fire>, Option<Box<Message>>),
    Cancel(MessageId),
}

impl Platform {
    /// Fires a schedule now, whether it is enabled or not. A second call with the same `claim` within a day places nothing.
    ///
    /// # Errors
    /// 404; 409 `workspace_paused`; 410; 503.
    pub async fn run_schedule(
        &self,
        workspace: WorkspaceId,
        id: ScheduleId,
        trigger: Trigger,
        claim: Option<&str>,
    ) -> Result<Fire> {
        for _ in 0..ROUNDS {
            match decide(|| self.run_round(workspace, id, trigger, claim)).await? {
                Tried::Placed(fire, message) => {
                    if let Some(message) = message {
                        self.send_turn(&message).await?;
                    }
                    return Ok(*fire);
                }
                Tried::Cancel(message) => {
                    let done = self.cancel(workspace, message, "its schedule was started anew by hand").await?;
                    if !matches!(done, Cancelled::Done(_)) {
                        decide(|| self.forget_open(workspace, id, message)).await?;
                    }
                }
            }
        }
        Err(Problem::unavailable())
    }

    async fn run_round(
        &self,
        workspace: WorkspaceId,
        id: ScheduleId,
        trigger: Trigger,
        claim: Option<&str>,
    ) -> Result<Tried, Fault> {
        let now = self.now();
        let seen = self.store.look(workspace, &Look::record().lease().schedule(Some(id))).await?;
        let workspace = seen.workspace.as_ref().ok_or_else(Problem::no_workspace)?;
        if workspace.status == Status::Removed {
            return Err(Problem::gone().into());
        }
        let schedule = seen.schedule.as_ref().ok_or_else(unknown_schedule)?;
        if workspace.status == Status::Paused {
            let text = "the workspace is paused and takes no fires; resume it first";
            return Err(Problem::conflict("workspace_paused", text).into());
        }
        if let Some(claim) = claim
            && let Some(first) = self.store.idempotency(workspace.id, claim).await?
        {
            let fire = Fire { queue_id: Some(first.queue_id), ..Fire::new(schedule, now, trigger, now) };
            return Ok(Tried::Placed(Box::new(fire), None));
        }
        let fire = Fire::new(schedule, now, trigger, now);
        match place(schedule, now, schedule.next_fire) {
            Step::Nothing => Err(Fault::Moved),
            Step::Settle(Stretch { outcome, reason, .. }) => {
                // It has no message, so its row is told apart from one that is due by an id of its own.
                let own = Some(MessageId::new(self.entropy.ordered_uuid(now)));
                let mut fire = Fire { queue_id: own, ..fire };
                fire.settle(outcome, &reason, now);
                let mut after = schedule.next_version();
                after.settle(now, 1, outcome, Some(&reason), true);
                let transaction =
                    self.store.transaction().create_fire(&fire, self.config.retention).put_schedule(&after);
                self.tell(transaction, workspace, Some(settled(&fire, Some(schedule)))).commit().await?;
                Ok(Tried::Placed(Box::new(fire), None))
            }
            Step::Fire { placement: Placement::Queue(Some(open)), .. } => Ok(Tried::Cancel(open.queue_id)),
            Step::Fire { placement: Placement::Queue(None), .. } => {
                let message = self.queue_fire(&seen, workspace, schedule.next_version(), fire.clone(), claim).await?;
                let fire = Fire { queue_id: Some(message.id), ..fire };
                Ok(Tried::Placed(Box::new(fire), Some(Box::new(message))))
            }
            Step::Fire { placement: Placement::TakeOver(open), .. } => {
                self.take_over(workspace, schedule.next_version(), fire.clone(), &open, claim).await?;
                Ok(Tried::Placed(Box::new(Fire { queue_id: Some(open.queue_id), ..fire }), None))
            }
        }
    }

    /// Remembers a rule's event in the transaction of the message that it led to.
    pub(super) fn claim_rule<'a>(
        &self,
        transaction: Transaction<'a>,
        workspace: WorkspaceId,
        claim: &str,
        message: &Message,
    ) -> Transaction<'a> {
        let row = Idempotency { queue_id: message.id, body_digest: message.body_digest.clone() };
        transaction.claim_idempotency(workspace, claim, &row, self.now(), REMEMBERED)
    }
}

/// 404.
pub fn unknown_schedule() -> Problem {
    Problem::not_found("unknown_schedule", "schedule not found")
}
