//! The tree of workspaces: finding parents that may take a child, and refusing cycles.

use platform::decide::Fault;
use platform::{Platform, Problem};
use rules::workspace::Workspace;
use rules::{Status, WorkspaceId};

/// The deepest tree that is allowed.
const MAX_DEPTH: usize = 32;

/// A parent for `child`: known, not removed, of the same organisation, and not below `child` itself. With it come all
/// above it, from the nearest to the root.
pub(crate) async fn parent_for(
    platform: &Platform,
    child: WorkspaceId,
    parent: WorkspaceId,
) -> Result<(Workspace, Vec<Workspace>), Fault> {
    let found = platform.store.workspace(parent).await?;
    let found =
        found.filter(|parent| parent.status != Status::Removed && parent.org == platform.config.org).ok_or_else(
            || Problem::not_found("parent_unknown", "no such parent; create it first or leave parent_id out"),
        )?;
    let mut above = Vec::new();
    let mut current = found.clone();
    for _ in 0..MAX_DEPTH {
        if current.id == child {
            return Err(Problem::conflict("parent_cycle", "a workspace cannot be below itself").into());
        }
        let next = match current.parent_id {
            Some(next) => platform.store.workspace(next).await?,
            None => None,
        };
        let Some(next) = next else { return Ok((found, above)) };
        above.push(next.clone());
        current = next;
    }
    Err(Problem::unprocessable("tree_too_deep", format!("the tree may be at most {MAX_DEPTH} deep")).into())
}
