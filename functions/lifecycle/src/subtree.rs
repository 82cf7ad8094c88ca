//! A workspace with all below it.

use platform::{Platform, Result};
use rules::workspace::Workspace;
use rules::{Status, WorkspaceId};

/// Those below `root` that are `wanted`, children before grandchildren, without `root` itself and removed ones.
pub(crate) async fn below(
    platform: &Platform,
    root: WorkspaceId,
    wanted: fn(&Workspace) -> bool,
) -> Result<Vec<WorkspaceId>> {
    let mut found = Vec::new();
    let mut next = vec![root];
    while let Some(id) = next.pop() {
        let children = platform.store.children(&platform.config.org, Some(id)).await?;
        for (child, _) in platform.store.look_many(&children).await?.all()? {
            if child.status == Status::Removed {
                continue;
            }
            next.push(child.id);
            if wanted(&child) {
                found.push(child.id);
            }
        }
    }
    Ok(found)
}
