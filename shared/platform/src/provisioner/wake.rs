//! How a hibernated workspace is woken.

use rules::event::{Event, EventType};
use rules::start;
use rules::transition::{self, Trigger};
use rules::{Status, WorkspaceId};

use crate::decide::{Fault, decide};
use crate::platform::Platform;
use crate::problem::Result;
use crate::store::Look;

impl Platform {
    /// Wakes a workspace if it is hibernated (T26): for a message that waits, or ahead of a fire. Whether it was.
    ///
    /// # Errors
    /// 503 when the table does not answer; a start that nobody began ends by its time limit.
    pub async fn wake_hibernated(&self, id: WorkspaceId, reason: &str) -> Result<bool> {
        let woken = decide(|| self.wake_round(id, reason)).await?;
        if woken {
            self.reconcile_soon(id).await;
        }
        Ok(woken)
    }

    async fn wake_round(&self, id: WorkspaceId, reason: &str) -> Result<bool, Fault> {
        let seen = self.store.look(id, &Look::record().lease()).await?;
        let Some(workspace) = seen.workspace.clone() else { return Ok(false) };
        let Ok(Some(status)) = transition::next(Some(workspace.status), Trigger::Wake) else { return Ok(false) };
        if self.runs(&workspace) {
            self.begin(&workspace, &seen, status, reason).await?;
            return Ok(true);
        }
        // Whoever runs it keeps its credentials.
        let now = self.now();
        let mut after = workspace.moved(status, Vec::new(), now);
        reason.clone_into(&mut after.start.reason);
        let event = Event::new(EventType::WorkspaceProvisioning, start::told(&after, Some(Status::Hibernated)));
        let transaction = self.expect_start(self.store.transaction().put_workspace(&after), &after);
        self.tell(transaction, &after, Some(event)).commit().await?;
        Ok(true)
    }
}
