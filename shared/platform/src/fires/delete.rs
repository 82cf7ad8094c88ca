//! Schedules that are deleted, alone or with their workspace.

use rules::event::{Event, EventType};
use rules::message::State;
use rules::{ScheduleId, Status, WorkspaceId};
use serde_json::json;

use crate::decide::{Fault, decide};
use crate::platform::Platform;
use crate::problem::Result;
use crate::store::Look;

impl Platform {
    /// Deletes a schedule. Turns of it that wait are cancelled, one that runs goes on.
    ///
    /// # Errors
    /// 503 when the datastore does not answer; a repeat finishes it.
    pub async fn delete_schedule(&self, workspace: WorkspaceId, id: ScheduleId) -> Result<()> {
        let Some(schedule) = self.store.schedule(workspace, id).await? else { return Ok(()) };
        decide(|| self.delete_schedule_round(workspace, id)).await?;
        // Whatever was placed before the record went is in the list; nothing is placed after.
        for open in schedule.open.iter().filter(|open| !open.running) {
            self.end_waiting(workspace, open.queue_id, State::Cancelled, "its schedule was deleted").await?;
        }
        Ok(())
    }

    async fn delete_schedule_round(&self, workspace: WorkspaceId, id: ScheduleId) -> Result<(), Fault> {
        let seen = self.store.look(workspace, &Look::record().schedule(Some(id))).await?;
        let (Some(workspace), Some(schedule)) = (seen.workspace, seen.schedule) else { return Ok(()) };
        let transaction = self.store.transaction().delete_schedule(&schedule);
        let told = json!({ "schedule_id": schedule.id, "schedule_name": schedule.name });
        let event = (workspace.status != Status::Removed).then(|| Event::new(EventType::ScheduleDeleted, told));
        Ok(self.tell(transaction, &workspace, event).commit().await?)
    }

    /// Deletes all schedules of a workspace that is removed.
    ///
    /// # Errors
    /// 503 when the datastore does not answer; a repeat finishes it.
    pub async fn delete_schedules(&self, workspace: WorkspaceId) -> Result<()> {
        for schedule in self.store.schedules(workspace).await? {
            self.delete_schedule(workspace, schedule.id).await?;
        }
        Ok(())
    }
}
