//! Waking a drain, and who can reach whom. A wake that is lost is found by the minute sweep, so a failure here fails no request.

use rules::WorkspaceId;
use rules::workspace::Workspace;

use crate::platform::Platform;

impl Platform {
    /// Whether this function can open a connection to a workspace's agent. With ECS, those that the platform starts admit
    /// only the dispatch function in their own network.
    pub fn reaches(&self, workspace: &Workspace) -> bool {
        !workspace.url_assigned || self.config.dispatch_vpc_queue_url.is_none()
    }

    /// Starts the drain of a workspace; a failure is logged, and the sweep makes up for it.
    pub async fn wake_drain(&self, id: WorkspaceId) {
        if let Err(error) = self.queues.wake(id).await {
            tracing::warn!(%error, workspace = %id, "wake not sent; the sweep will find it");
        }
    }
}
