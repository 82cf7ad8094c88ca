//! A workspace with all below it.

use platform::{Platform, Result};
use rules::workspace::Workspace;
use rules::{Status, WorkspaceId};

/// Those below `root` that `goes_on` leads through, children before grandchildren, without `root` itself.
pub(crate) async fn below(
    platform: &Platform,
    root: WorkspaceId,
    goes_on: fn(&Workspace) -> bool,
) -> Result<Vec<WorkspaceId>> {
    let mut found = Vec::new();
    let mut next = vec![root];
    while let Some(id) = next.pop() {
        let children = platform.store.children(&platform.config.org, Some(id)).await?;
        for (child, _) in platform.store.look_many(&children).await? {
            if child.status != Status::Removed && goes_on(&child) {
                found.push(child.id);
                next.push(child.id);
            }
        }
    }
    Ok(found)
}
