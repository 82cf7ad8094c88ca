//! Waking a drain. A wake that is lost is found by the minute sweep, so a failure here fails no request.

use rules::WorkspaceId;

use crate::platform::Platform;

impl Platform {
    /// Starts the drain of a workspace; a failure is logged, and the sweep makes up for it.
    pub async fn wake_drain(&self, id: WorkspaceId) {
        if let Err(error) = self.queues.wake(id).await {
            tracing::warn!(%error, workspace = %id, "wake not sent; the sweep will find it");
        }
    }
}
