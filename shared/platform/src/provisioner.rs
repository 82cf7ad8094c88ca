//! What starts the runtimes of managed workspaces, and how a hibernated one is woken.

use std::fmt::Debug;

use futures::future::BoxFuture;
use rules::event::{Event, EventType};
use rules::transition::{self, Trigger};
use rules::workspace::Workspace;
use rules::{Status, WorkspaceId};
use serde_json::json;

use crate::decide::{Fault, decide};
use crate::platform::Platform;
use crate::problem::Result;

/// Starts and restarts what runs a workspace. It is asked after the record says `provisioning`, and may be asked twice.
pub trait Provisioner: Debug + Send + Sync {
    /// Starts the runtime of a workspace that has none.
    fn start<'a>(&'a self, workspace: &'a Workspace) -> BoxFuture<'a, Result<()>>;
    /// Ends the runtime of a workspace, whatever it does, and starts another one.
    fn restart<'a>(&'a self, workspace: &'a Workspace, reason: &'a str) -> BoxFuture<'a, Result<()>>;
}

/// Whoever runs the agents starts them: a workspace that is to be started waits in `provisioning` until its agent
/// registers, and one that is to be restarted hears of it by the last rung of the turn ceiling, which its runtime obeys.
#[derive(Debug, Clone, Copy, Default)]
pub struct ByHand;

impl Provisioner for ByHand {
    fn start<'a>(&'a self, workspace: &'a Workspace) -> BoxFuture<'a, Result<()>> {
        tracing::info!(workspace = %workspace.id, "waits for its agent to be started");
        Box::pin(async { Ok(()) })
    }

    fn restart<'a>(&'a self, _: &'a Workspace, _: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { Ok(()) })
    }
}

impl Platform {
    /// Wakes a workspace if it is hibernated (T26): for a message that waits, or ahead of a fire. Whether it was.
    ///
    /// # Errors
    /// 503 when the table or the provisioner does not answer; a start that nobody began ends by its time limit.
    pub async fn wake_hibernated(&self, id: WorkspaceId, reason: &str) -> Result<bool> {
        let Some(workspace) = decide(|| self.wake_round(id, reason)).await? else { return Ok(false) };
        self.provisioner.start(&workspace).await?;
        Ok(true)
    }

    async fn wake_round(&self, id: WorkspaceId, reason: &str) -> Result<Option<Workspace>, Fault> {
        let now = self.now();
        let Some(workspace) = self.store.workspace(id).await? else { return Ok(None) };
        let Ok(Some(status)) = transition::next(Some(workspace.status), Trigger::Wake) else { return Ok(None) };
        let after = Workspace {
            status,
            status_since: now,
            status_reasons: Vec::new(),
            version: workspace.version + 1,
            updated_at: now,
            ..workspace
        };
        let event = Event::new(
            EventType::WorkspaceProvisioning,
            json!({
                "name": after.name,
                "tier": after.tier,
                "runtime": after.runtime,
                "previous_status": Status::Hibernated,
                "reason": reason,
            }),
        );
        let due = now + self.config.provision_timeout;
        let transaction = self.store.transaction().put_workspace(&after).expect_provisioned(id, due);
        self.tell(transaction, &after, Some(event)).commit().await?;
        Ok(Some(after))
    }
}
