//! Memories: `WS#id` / `MEM#scope#id`; those for all are indexed under the organisation.

use aws_sdk_dynamodb::types::Select;
use rules::memory::{Memory, Scope};
use rules::{MemoryId, WorkspaceId};

use super::item::{from_item, readable, s, to_item};
use super::key::workspace_pk;
use super::transaction::Expression;
use super::{Key, Store, StoreError, Transaction};

/// Memories of one page, where the newest are wanted.
const PAGE: i32 = 50;

fn global_index(org: &str) -> String {
    format!("MEMORIES#{org}")
}

impl Transaction<'_> {
    /// Stores a new memory of a workspace of `org`.
    #[must_use]
    pub fn create_memory(mut self, memory: &Memory, org: &str) -> Self {
        match to_item(memory) {
            Ok(mut item) => {
                item.extend(Key::Memory(memory.workspace_id, memory.scope, memory.id).attributes());
                if memory.scope == Scope::Global {
                    item.insert("gsi1pk".into(), s(global_index(org)));
                    item.insert("gsi1sk".into(), s(memory.id.to_string()));
                }
                self.put(item, Some(Expression::new("attribute_not_exists(pk)")));
            }
            Err(error) => self.fail(error),
        }
        self
    }

    /// Deletes a memory that is there.
    #[must_use]
    pub fn delete_memory(mut self, memory: &Memory) -> Self {
        let there = Expression::new("attribute_exists(pk)");
        self.delete(&Key::Memory(memory.workspace_id, memory.scope, memory.id), Some(there));
        self
    }
}

impl Store {
    /// The memories that a workspace wrote, of one scope or of all.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn memories(&self, author: WorkspaceId, scope: Option<Scope>) -> Result<Vec<Memory>, StoreError> {
        let prefix = scope.map_or_else(|| "MEM#".to_owned(), |scope| format!("MEM#{}#", scope.as_str()));
        let items = self.query_prefix(workspace_pk(author), &prefix).await?;
        Ok(readable(items, from_item).collect())
    }

    /// The newest TEAM memories that a workspace wrote, about `most` bytes of them, and whether there are older ones.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn newest_team_memories(
        &self,
        author: WorkspaceId,
        most: usize,
    ) -> Result<(Vec<Memory>, bool), StoreError> {
        let query = self.client.query().table_name(&self.table).consistent_read(true).scan_index_forward(false);
        let mut pages = query
            .key_condition_expression("pk = :p AND begins_with(sk, :m)")
            .expression_attribute_values(":p", s(workspace_pk(author)))
            .expression_attribute_values(":m", s(format!("MEM#{}#", Scope::Team.as_str())))
            .limit(PAGE)
            .into_paginator()
            .send();
        let (mut memories, mut bytes) = (Vec::new(), 0);
        while let Some(page) = pages.next().await {
            for memory in readable(page?.items.unwrap_or_default(), from_item::<Memory>) {
                if bytes > most {
                    return Ok((memories, true));
                }
                bytes += memory.content.len();
                memories.push(memory);
            }
        }
        Ok((memories, false))
    }

    /// The memories for all of an organisation. They come from an index that follows the table with a short delay.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn global_memories(&self, org: &str) -> Result<Vec<Memory>, StoreError> {
        let mut keys = Vec::new();
        for item in self.query_index(global_index(org), None).await? {
            let text = |name: &str| item.get(name)?.as_s().ok();
            let author = text("pk").and_then(|pk| pk.strip_prefix("WS#")?.parse().ok());
            let id = text("gsi1sk").and_then(|id| id.parse().ok());
            keys.extend(author.zip(id).map(|(author, id)| Key::Memory(author, Scope::Global, id)));
        }
        let mut memories = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(100) {
            memories.extend(readable(self.get_many(chunk).await?.into_iter().flatten(), from_item::<Memory>));
        }
        Ok(memories)
    }

    /// A memory of a workspace, whatever its scope.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn memory(&self, author: WorkspaceId, id: MemoryId) -> Result<Option<Memory>, StoreError> {
        let keys = Scope::ALL.map(|scope| Key::Memory(author, scope, id));
        self.get_many(&keys).await?.into_iter().flatten().next().map(from_item).transpose()
    }

    /// How many memories a workspace has written.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn memory_count(&self, author: WorkspaceId) -> Result<usize, StoreError> {
        let query = self.client.query().table_name(&self.table).select(Select::Count).consistent_read(true);
        let mut pages = query
            .key_condition_expression("pk = :p AND begins_with(sk, :m)")
            .expression_attribute_values(":p", s(workspace_pk(author)))
            .expression_attribute_values(":m", s("MEM#"))
            .into_paginator()
            .send();
        let mut count = 0;
        while let Some(page) = pages.next().await {
            count += usize::try_from(page?.count).unwrap_or(0);
        }
        Ok(count)
    }
}
