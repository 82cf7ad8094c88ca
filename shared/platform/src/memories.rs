//! Who remembers what: the memories of a team.

use futures::{StreamExt, TryStreamExt, stream};
use rules::access::Party;
use rules::memory::{Memory, Scope, found, is_team};
use rules::workspace::Workspace;

use crate::platform::Platform;
use crate::store::StoreError;

/// How many members' memories are read at once.
const AT_ONCE: usize = 16;

impl Platform {
    /// The TEAM memories that a workspace may read, newest first: its own, and those of its parent and siblings, or of a
    /// root's children. One query for the members, one for each.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn team_memories(&self, reader: &Workspace) -> Result<Vec<Memory>, StoreError> {
        let above = reader.parent_id.unwrap_or(reader.id);
        let mut ids = self.store.children(&reader.org, Some(above)).await?;
        ids.extend([above, reader.id].into_iter().filter(|id| !ids.contains(id)).collect::<Vec<_>>());
        ids.sort_unstable();
        ids.dedup();
        let members = self.store.look_many(&ids).await?;
        let party = Party::from(reader);
        let authors: Vec<_> = members
            .iter()
            .map(|(member, _)| member)
            .filter(|member| is_team(&party, &Party::from(*member)))
            .map(|member| self.store.memories(member.id, Some(Scope::Team)))
            .collect();
        let memories: Vec<Vec<Memory>> = stream::iter(authors).buffered(AT_ONCE).try_collect().await?;
        Ok(found(memories.concat(), None))
    }
}
