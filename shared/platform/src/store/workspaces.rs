//! The workspace record: `WS#id` / `META`, indexed under its organisation while it is not removed.

use rules::workspace::Workspace;
use rules::{Status, Timestamp, WorkspaceId};

use super::item::{from_item, n, readable, s, to_item};
use super::key::{due_gsi, org_gsi, time_key, workspace_pk};
use super::transaction::Expression;
use super::{DUE_SHARDS, Item, Key, Store, StoreError, Transaction};

/// The index sort key: siblings stand together, in the order of their creation.
fn sibling_key(workspace: &Workspace) -> String {
    let created = time_key(workspace.created_at);
    format!("{}#{created}#{}", parent_key(workspace.parent_id), workspace.id)
}

fn parent_key(parent: Option<WorkspaceId>) -> String {
    parent.map_or_else(|| "root".to_owned(), |id| id.to_string())
}

pub(super) fn read(item: Item) -> Result<Workspace, StoreError> {
    from_item(item)
}

impl Transaction<'_> {
    /// Creates the record.
    #[must_use]
    pub fn create_workspace(mut self, workspace: &Workspace) -> Self {
        self.write_workspace(workspace, Expression::new("attribute_not_exists(pk)"));
        self
    }

    /// Writes the record over the version `workspace.version - 1`.
    #[must_use]
    pub fn put_workspace(mut self, workspace: &Workspace) -> Self {
        let seen = n(workspace.version.saturating_sub(1));
        self.write_workspace(workspace, Expression::new("#v = :v").name("#v", "version").value(":v", seen));
        self
    }

    /// Holds only while the record is as read.
    #[must_use]
    pub fn check_workspace(mut self, workspace: &Workspace) -> Self {
        let condition = Expression::new("#v = :v").name("#v", "version").value(":v", n(workspace.version));
        self.check(&Key::Workspace(workspace.id), condition);
        self
    }

    /// Lets whoever decided from the record as read decide again, though nothing in it changes: it got a child.
    #[must_use]
    pub fn raise_version(mut self, workspace: &Workspace) -> Self {
        let update = Expression::new("SET #v = :next").name("#v", "version").value(":next", n(workspace.version + 1));
        let condition = Expression::new("#v = :v").name("#v", "version").value(":v", n(workspace.version));
        self.update(&Key::Workspace(workspace.id), update, Some(condition));
        self
    }

    fn write_workspace(&mut self, workspace: &Workspace, condition: Expression) {
        match to_item(workspace) {
            Ok(mut item) => {
                item.extend(Key::Workspace(workspace.id).attributes());
                if workspace.status != Status::Removed {
                    item.insert("gsi1pk".into(), s(org_gsi(&workspace.org)));
                    item.insert("gsi1sk".into(), s(sibling_key(workspace)));
                }
                self.put(item, Some(condition));
            }
            Err(error) => self.fail(error),
        }
    }

    /// Notes that a start must have succeeded by `due`.
    #[must_use]
    pub fn expect_provisioned(mut self, id: WorkspaceId, due: Timestamp) -> Self {
        let mut item = Key::Provisioning(id).attributes();
        item.insert("gsi1pk".into(), s(due_gsi("provision", id.shard(DUE_SHARDS))));
        item.insert("gsi1sk".into(), s(format!("{}#{id}", time_key(due))));
        self.put(item, None);
        self
    }

    /// The start is settled.
    #[must_use]
    pub fn provisioned(mut self, id: WorkspaceId) -> Self {
        self.delete(&Key::Provisioning(id), None);
        self
    }
}

impl Store {
    /// One workspace, removed ones included.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn workspace(&self, id: WorkspaceId) -> Result<Option<Workspace>, StoreError> {
        self.get(&Key::Workspace(id)).await?.map(read).transpose()
    }

    /// Those of `ids` that are hibernated.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn hibernated(&self, ids: impl IntoIterator<Item = WorkspaceId>) -> Result<Vec<WorkspaceId>, StoreError> {
        let keys: Vec<Key> = ids.into_iter().map(Key::Workspace).collect();
        let mut hibernated = Vec::new();
        for chunk in keys.chunks(100) {
            for workspace in readable(self.get_many(chunk).await?.into_iter().flatten(), read) {
                if workspace.status == Status::Hibernated {
                    hibernated.push(workspace.id);
                }
            }
        }
        Ok(hibernated)
    }

    /// All workspaces of an organisation that are not removed, in the order of their parents.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn workspaces(&self, org: &str) -> Result<Vec<WorkspaceId>, StoreError> {
        self.indexed(org, None).await
    }

    /// The children of `parent`, or the roots, that are not removed.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn children(&self, org: &str, parent: Option<WorkspaceId>) -> Result<Vec<WorkspaceId>, StoreError> {
        self.indexed(org, Some(format!("{}#", parent_key(parent)))).await
    }

    async fn indexed(&self, org: &str, prefix: Option<String>) -> Result<Vec<WorkspaceId>, StoreError> {
        let items = self.query_index(org_gsi(org), prefix.map(|prefix| ("begins_with(gsi1sk, :k)", prefix))).await?;
        Ok(items.iter().filter_map(id_of).collect())
    }

    /// Items of one index partition, all pages; `range` is a condition on `gsi1sk` with the value `:k`.
    pub(super) async fn query_index(
        &self,
        partition: String,
        range: Option<(&str, String)>,
    ) -> Result<Vec<Item>, StoreError> {
        let mut query = self.client.query().table_name(&self.table).index_name("gsi1");
        let mut condition = "gsi1pk = :p".to_owned();
        query = query.expression_attribute_values(":p", s(partition));
        if let Some((text, value)) = range {
            condition.push_str(" AND ");
            condition.push_str(text);
            query = query.expression_attribute_values(":k", s(value));
        }
        let mut pages = query.key_condition_expression(condition).into_paginator().send();
        let mut items = Vec::new();
        while let Some(page) = pages.next().await {
            items.extend(page?.items.unwrap_or_default());
        }
        Ok(items)
    }

    /// Deletes all that lies in a removed workspace's partition, except the record that it was removed.
    ///
    /// # Errors
    /// The datastore does not answer; what is left can be purged again.
    pub async fn purge(&self, id: WorkspaceId) -> Result<(), StoreError> {
        let record = Key::Workspace(id).sk();
        for mut item in self.query_prefix(workspace_pk(id), "").await? {
            item.retain(|name, _| name == "pk" || name == "sk");
            if item.get("sk").and_then(|sk| sk.as_s().ok()) != Some(&record) {
                self.client.delete_item().table_name(&self.table).set_key(Some(item)).send().await?;
            }
        }
        Ok(())
    }

    /// Workspaces whose due item of `kind` is reached at `now`, over all shards.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn due(&self, kind: &str, now: Timestamp) -> Result<Vec<WorkspaceId>, StoreError> {
        let mut due = Vec::new();
        for shard in 0..DUE_SHARDS {
            let until = format!("{}~", time_key(now));
            let items = self.query_index(due_gsi(kind, shard), Some(("gsi1sk <= :k", until))).await?;
            due.extend(items.iter().filter_map(id_of));
        }
        Ok(due)
    }
}

/// The workspace of an item in its own partition.
fn id_of(item: &Item) -> Option<WorkspaceId> {
    item.get("pk")?.as_s().ok()?.strip_prefix("WS#")?.parse().ok()
}
