//! What follows a change of what a workspace is started with.

use rules::WorkspaceId;

use crate::platform::Platform;

impl Platform {
    /// Its secrets changed. The provision function starts it once more, unless its runtime fetched them meanwhile: changes
    /// that come while it starts are in the container that comes up.
    pub async fn config_changed(&self, id: WorkspaceId) {
        self.reconcile_soon(id).await;
    }
}
