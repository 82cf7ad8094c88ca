//! Placing what is due: each step is one transaction that gives fires their rows in the ledger and moves the schedule on,
//! so that however many look at once, each fire is placed once.

use std::time::Duration;

use rules::message::{Message, State};
use rules::schedule::{Fire, Outcome, Placement, Schedule, Step, Trigger, step};
use rules::{MessageId, ScheduleId, Status, Timestamp, WorkspaceId};

use super::settled;
use crate::decide::{Fault, decide};
use crate::measures;
use crate::platform::Platform;
use crate::problem::Result;
use crate::queues::Reminder;
use crate::store::{FireKey, Look};
use crate::waiting::Cancelled;

/// The most steps of one look; a reminder goes on with the rest.
const MOST_STEPS: usize = 200;
/// Why a fire failed that is open without a message.
const GONE: &str = "its message is gone";

/// What one step did.
enum Stepped {
    /// Nothing is due; the schedule as it is, if there is one.
    Nothing(Option<Box<Schedule>>),
    /// Fires were settled, or one took the place of another.
    Settled,
    /// A message waits for its pointer.
    Queued(Box<Message>),
    /// A running turn is to be cancelled first.
    Cancel(MessageId, Timestamp),
}

impl Platform {
    /// Places every fire of a schedule that is due. `due` is the fire that somebody was reminded of.
    ///
    /// # Errors
    /// 503 when table or queue do not answer; looking again goes on where this stopped.
    pub async fn place_fires(&self, workspace: WorkspaceId, id: ScheduleId, due: Timestamp) -> Result<()> {
        self.point_again(workspace, id, due).await?;
        for steps in 0..MOST_STEPS {
            match decide(|| self.place_round(workspace, id)).await? {
                // Whoever placed a fire reminds of the next one, and nobody else: ticks send several reminders of each, which
                // would each bring their like for ever. Where that one is lost, the next tick finds the fire.
                Stepped::Nothing(schedule) => {
                    if let Some(schedule) = schedule.filter(|_| steps > 0) {
                        self.remind_of_next(&schedule).await;
                    }
                    return Ok(());
                }
                Stepped::Settled => self.look_at_turn(workspace).await,
                Stepped::Queued(message) => self.send_turn(&message).await?,
                Stepped::Cancel(message, nominal) => {
                    let reason =
                        format!("a newer fire of its schedule came; this was the one of {}", nominal.rfc3339());
                    if !matches!(self.cancel(workspace, message, &reason).await?, Cancelled::Done(_)) {
                        decide(|| self.forget_open(workspace, id, message)).await?;
                    }
                }
            }
        }
        let reminder = Reminder::Fire { workspace_id: workspace, schedule_id: id, due: self.now() };
        Ok(self.queues.remind(&reminder, Duration::ZERO).await?)
    }

    /// A fire that waits may be the reason to ask the running turn to wrap up.
    async fn look_at_turn(&self, workspace: WorkspaceId) {
        if let Err(problem) = self.climb(workspace).await {
            tracing::warn!(code = problem.code, %workspace, "a long turn was not looked at; the sweep looks");
        }
    }

    async fn place_round(&self, workspace: WorkspaceId, id: ScheduleId) -> Result<Stepped, Fault> {
        let now = self.now();
        let seen = self.store.look(workspace, &Look::record().lease().schedule(Some(id))).await?;
        let Some(schedule) = &seen.schedule else { return Ok(Stepped::Nothing(None)) };
        let Some(workspace) = seen.workspace.as_ref().filter(|workspace| workspace.status != Status::Removed) else {
            // It was removed while somebody made the schedule.
            self.store.transaction().delete_schedule(schedule).commit().await?;
            return Ok(Stepped::Nothing(None));
        };
        let cron = match schedule.cron() {
            Ok(cron) => cron,
            Err(error) => {
                // Only another release can have written it: it must not stop the others, and it must not come each minute.
                tracing::error!(%error, schedule = %id, "a schedule that cannot be read is switched off");
                let mut after = schedule.next_version();
                (after.enabled, after.next_fire, after.last_error) = (false, None, Some(error.to_string()));
                self.store.transaction().put_schedule(&after).commit().await?;
                return Ok(Stepped::Nothing(None));
            }
        };
        let stopped = (workspace.status == Status::Paused).then_some("the workspace is paused");
        match step(schedule, &cron, stopped, now) {
            Step::Nothing => Ok(Stepped::Nothing(seen.schedule.map(Box::new))),
            Step::Settle(stretch) => {
                let mut after = schedule.next_version();
                let fire = after.leave_out(stretch, now);
                let left_out = u64::from(fire.count);
                let keep = self.config.retention;
                let transaction = self.store.transaction().create_fire(&fire, keep).put_schedule(&after);
                self.tell(transaction, workspace, Some(settled(&fire, Some(schedule)))).commit().await?;
                measures::left_out(left_out);
                Ok(Stepped::Settled)
            }
            Step::Fire { nominal, placement, next } => {
                let after = Schedule { next_fire: next, ..schedule.next_version() };
                let fire = Fire::new(schedule, nominal, Trigger::Cron, now);
                match placement {
                    Placement::Queue(Some(open)) => Ok(Stepped::Cancel(open.queue_id, open.nominal)),
                    Placement::Queue(None) => {
                        let message = self.queue_fire(&seen, workspace, after, fire, None).await?;
                        measures::fired(now.since(nominal + schedule.jitter()));
                        Ok(Stepped::Queued(Box::new(message)))
                    }
                    Placement::TakeOver(open) => {
                        self.take_over(workspace, after, fire, &open, None).await?;
                        measures::fired(now.since(nominal + schedule.jitter()));
                        Ok(Stepped::Settled)
                    }
                }
            }
        }
    }

    /// Sends the pointer of a fire's message. It is stored: where the queue does not answer, the sweep sends it.
    pub(super) async fn send_turn(&self, message: &Message) -> Result<()> {
        self.point_to(message).await?;
        self.wake_drain(message.target).await;
        Ok(())
    }

    /// Whoever placed the fire that somebody is reminded of may have got no further than its record. A second pointer
    /// changes nothing.
    async fn point_again(&self, workspace: WorkspaceId, id: ScheduleId, due: Timestamp) -> Result<()> {
        let Some(schedule) = self.store.schedule(workspace, id).await? else { return Ok(()) };
        let jitter = schedule.jitter();
        let Some(open) = schedule.open.iter().find(|open| !open.running && open.nominal + jitter == due) else {
            return Ok(());
        };
        match self.store.message(workspace, open.queue_id).await? {
            Some(message) if message.state == State::Queued && !message.is_deferred() => self.send_turn(&message).await,
            _ => Ok(()),
        }
    }

    /// A schedule holds a fire open whose message is gone: the row says what is known.
    pub(super) async fn forget_open(
        &self,
        workspace: WorkspaceId,
        id: ScheduleId,
        queue_id: MessageId,
    ) -> Result<(), Fault> {
        let seen = self.store.look(workspace, &Look::record().schedule(Some(id))).await?;
        let (Some(workspace), Some(schedule)) = (seen.workspace, seen.schedule) else { return Ok(()) };
        let Some(open) = schedule.open.iter().find(|open| open.queue_id == queue_id) else { return Ok(()) };
        let mut after = schedule.next_version();
        after.close(queue_id, Outcome::Failed, Some(GONE));
        let mut transaction = self.store.transaction().put_schedule(&after);
        if let Some(mut fire) = self.store.fire(FireKey::of_open(&schedule, open)).await? {
            fire.settle(Outcome::Failed, GONE, self.now());
            transaction = transaction.put_fire(&fire, self.config.retention);
            transaction = self.tell(transaction, &workspace, Some(settled(&fire, Some(&schedule))));
        }
        Ok(transaction.commit().await?)
    }
}
