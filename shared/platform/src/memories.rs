//! Who remembers what: the memories of a team.

use futures::{StreamExt, TryStreamExt, stream};
use rules::WorkspaceId;
use rules::access::Party;
use rules::memory::{MOST, Memory, Scope, found, is_team};
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
        let authors = self.team_of(reader).await?;
        let reads: Vec<_> = authors.iter().map(|author| self.store.memories(*author, Some(Scope::Team))).collect();
        let memories: Vec<Vec<Memory>> = stream::iter(reads).buffered(AT_ONCE).try_collect().await?;
        Ok(found(memories.concat(), None))
    }

    /// The newest of them, as far as a turn is given any, and whether there are older ones.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn newest_team_memories(&self, reader: &Workspace) -> Result<(Vec<Memory>, bool), StoreError> {
        let authors = self.team_of(reader).await?;
        let reads: Vec<_> = authors.iter().map(|author| self.store.newest_team_memories(*author, MOST)).collect();
        let read: Vec<(Vec<Memory>, bool)> = stream::iter(reads).buffered(AT_ONCE).try_collect().await?;
        let more = read.iter().any(|(_, more)| *more);
        let memories = read.into_iter().flat_map(|(memories, _)| memories).collect();
        let mut memories = found(memories, None);
        let mut bytes = 0;
        let told = memories.iter().take_while(|memory| {
            bytes += memory.content.len();
            bytes <= MOST
        });
        let told = told.count();
        let more = more || told < memories.len();
        memories.truncate(told);
        Ok((memories, more))
    }

    /// Whose TEAM memories a workspace may read.
    async fn team_of(&self, reader: &Workspace) -> Result<Vec<WorkspaceId>, StoreError> {
        let above = reader.parent_id.unwrap_or(reader.id);
        let mut ids = self.store.children(&reader.org, Some(above)).await?;
        ids.extend([above, reader.id].into_iter().filter(|id| !ids.contains(id)).collect::<Vec<_>>());
        ids.sort_unstable();
        ids.dedup();
        let members = self.store.look_many(&ids).await?.found;
        let party = Party::from(reader);
        let authors = members.iter().map(|(member, _)| member).filter(|member| is_team(&party, &Party::from(*member)));
        Ok(authors.map(|member| member.id).collect())
    }
}
