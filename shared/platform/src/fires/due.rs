//! Finding what is due. The tick looks two minutes ahead and sends a reminder for the second of each fire: a reminder says
//! "look now", and the schedule decides.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::{StreamExt, stream};
use rules::liveness::SCHEDULER;
use rules::schedule::Schedule;
use rules::{ScheduleId, Timestamp, WorkspaceId};

use crate::platform::Platform;
use crate::problem::Result;
use crate::queues::Reminder;
use crate::store::{DueFire, Tick};

/// How far ahead the tick looks: one tick may be lost.
const AHEAD: Duration = Duration::from_secs(120);
/// How many workspaces are woken at once.
const AT_ONCE: usize = 16;

impl Platform {
    /// Sends a reminder for every fire of the next two minutes, and of those that are late. How many.
    ///
    /// # Errors
    /// 503 when table or queue do not answer; the next tick finds the same again.
    pub async fn remind_of_fires(&self) -> Result<usize> {
        let now = self.now();
        let due = self.store.due_fires(now + AHEAD).await?;
        let reminders: Vec<_> = due
            .iter()
            .map(|fire| {
                let (workspace_id, schedule_id, due) = (fire.workspace_id, fire.schedule_id, fire.due);
                (Reminder::Fire { workspace_id, schedule_id, due }, due.since(now))
            })
            .collect();
        let refused = self.queues.remind_many(&reminders).await?;
        if refused > 0 {
            tracing::warn!(refused, "reminders of fires that SQS did not take; the next tick sends them");
        }
        self.store.tick(&Tick { name: SCHEDULER.to_owned(), at: now, suspect: false }).await?;
        self.wake_ahead(&due).await;
        Ok(reminders.len())
    }

    /// Hibernated workspaces are woken now, so that they run when their fire is due. One that is not woken here is woken by
    /// the message that waits for it.
    async fn wake_ahead(&self, due: &[DueFire]) {
        let ids: BTreeSet<WorkspaceId> = due.iter().map(|fire| fire.workspace_id).collect();
        let hibernated = match self.store.hibernated(ids).await {
            Ok(hibernated) => hibernated,
            Err(error) => {
                tracing::warn!(%error, "nobody was woken ahead of a fire; the fire wakes");
                return;
            }
        };
        let wake = async |id| {
            if let Err(problem) = self.wake_hibernated(id, "a schedule fires soon").await {
                tracing::warn!(code = problem.code, workspace = %id, "not woken ahead of a fire; the fire wakes it");
            }
        };
        stream::iter(hibernated).for_each_concurrent(AT_ONCE, wake).await;
    }

    /// What a reminder of a fire leads to: what is due is placed, and a reminder that comes too early comes again.
    ///
    /// # Errors
    /// 503 when table or queue do not answer; the reminder comes again.
    pub async fn fire(&self, workspace_id: WorkspaceId, schedule_id: ScheduleId, due: Timestamp) -> Result<()> {
        let early = due.since(self.now());
        if !early.is_zero() {
            return Ok(self.queues.remind(&Reminder::Fire { workspace_id, schedule_id, due }, early).await?);
        }
        self.place_fires(workspace_id, schedule_id, due).await
    }

    /// Sends a reminder for the next fire of a schedule if it is so soon that the tick might come too late for it: after an
    /// edit, and after each fire.
    pub async fn remind_of_next(&self, schedule: &Schedule) {
        let now = self.now();
        let Some(due) = schedule.due().filter(|due| *due <= now + AHEAD) else { return };
        let reminder = Reminder::Fire { workspace_id: schedule.workspace_id, schedule_id: schedule.id, due };
        if let Err(error) = self.queues.remind(&reminder, due.since(now)).await {
            tracing::warn!(%error, schedule = %schedule.id, "no reminder of the next fire; the tick finds it");
        }
    }
}
