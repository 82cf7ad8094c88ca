//! Activity: `WS#id` / `ACT#id`, kept for the retention time.

use std::time::Duration;

use rules::activity::{Activity, Kind};
use rules::{Timestamp, WorkspaceId};

use super::item::{from_item, n, readable, s, to_item};
use super::key::workspace_pk;
use super::{Key, Store, StoreError, Transaction};

impl Transaction<'_> {
    /// Stores a report.
    #[must_use]
    pub fn put_activity(mut self, activity: &Activity, keep: Duration) -> Self {
        match to_item(activity) {
            Ok(mut item) => {
                item.extend(Key::Activity(activity.workspace_id, activity.id).attributes());
                item.insert("expires_at".into(), n((activity.created_at + keep).ttl_seconds()));
                self.put(item, None);
            }
            Err(error) => self.fail(error),
        }
        self
    }
}

impl Store {
    /// The newest reports of a workspace, of one kind or of all, newest first, none that is older than `oldest`.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn activity(
        &self,
        id: WorkspaceId,
        kind: Option<Kind>,
        oldest: Timestamp,
        limit: usize,
    ) -> Result<Vec<Activity>, StoreError> {
        let query = self.client.query().table_name(&self.table).consistent_read(true).scan_index_forward(false);
        let mut pages = query
            .key_condition_expression("pk = :p AND begins_with(sk, :k)")
            .expression_attribute_values(":p", s(workspace_pk(id)))
            .expression_attribute_values(":k", s("ACT#"))
            .into_paginator()
            .send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            for activity in readable(page?.items.unwrap_or_default(), from_item::<Activity>) {
                if activity.created_at <= oldest || found.len() == limit {
                    return Ok(found);
                }
                if kind.is_none_or(|kind| kind == activity.activity_type) {
                    found.push(activity);
                }
            }
        }
        Ok(found)
    }
}
