//! A workspace with all below it.

use platform::store::StoreError;
use platform::{Platform, Result};
use rules::workspace::Workspace;
use rules::{Status, WorkspaceId};

/// What is below a workspace.
pub(crate) struct Below {
    /// Those that were asked for, children before grandchildren.
    pub(crate) wanted: Vec<WorkspaceId>,
    /// An error if one of them cannot be read: what is asked of the others is done before it is told.
    pub(crate) whole: Result<(), StoreError>,
}

/// Those below `root` that are `wanted`, without `root` itself and removed ones.
pub(crate) async fn below(platform: &Platform, root: WorkspaceId, wanted: fn(&Workspace) -> bool) -> Result<Below> {
    let mut below = Below { wanted: Vec::new(), whole: Ok(()) };
    let mut next = vec![root];
    while let Some(id) = next.pop() {
        let children = platform.store.children(&platform.config.org, Some(id)).await?;
        let many = platform.store.look_many(&children).await?;
        for (child, _) in many.found.iter().filter(|(child, _)| child.status != Status::Removed) {
            next.push(child.id);
            if wanted(child) {
                below.wanted.push(child.id);
            }
        }
        below.whole = below.whole.and(many.all().map(drop));
    }
    Ok(below)
}
