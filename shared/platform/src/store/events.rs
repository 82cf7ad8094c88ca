//! Events: `WS#id` / `EVENT#id`, indexed under the organisation in eight shards, kept for the retention time.

use std::time::Duration;

use rules::event::{Event, EventType};
use rules::id::EventId;
use rules::workspace::Workspace;
use rules::{Timestamp, WorkspaceId};
use serde::{Deserialize, Serialize};

use super::item::{from_item, readable, s, to_item};
use super::key::{events_gsi, workspace_pk};
use super::{EVENT_SHARDS, Item, Key, Store, StoreError, Transaction};

/// An event as stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StoredEvent {
    /// Its id; sorts by time.
    pub id: EventId,
    /// What happened.
    pub event_type: EventType,
    /// To whom.
    pub workspace_id: WorkspaceId,
    /// The details, as JSON text.
    pub payload: String,
    /// When.
    pub created_at: Timestamp,
    /// Unix seconds; not shown after this even if TTL has not deleted it.
    expires_at: i64,
}

impl Transaction<'_> {
    /// Tells what this transaction changes.
    #[must_use]
    pub fn put_event(
        mut self,
        workspace: &Workspace,
        id: EventId,
        event: &Event,
        now: Timestamp,
        keep: Duration,
    ) -> Self {
        let stored = StoredEvent {
            id,
            event_type: event.kind,
            workspace_id: workspace.id,
            payload: event.payload.to_string(),
            created_at: now,
            expires_at: (now + keep).ttl_seconds(),
        };
        match to_item(&stored) {
            Ok(mut item) => {
                item.extend(Key::Event(workspace.id, id).attributes());
                item.insert("gsi1pk".into(), s(events_gsi(&workspace.org, workspace.id.shard(EVENT_SHARDS))));
                item.insert("gsi1sk".into(), s(id.to_string()));
                self.put(item, None);
                self.tells(event.kind);
            }
            Err(error) => self.fail(error),
        }
        self
    }
}

impl Store {
    /// The newest events of one workspace, newest first.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn events_of(&self, id: WorkspaceId, limit: i32, now: Timestamp) -> Result<Vec<StoredEvent>, StoreError> {
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .scan_index_forward(false)
            .limit(limit)
            .key_condition_expression("pk = :p AND begins_with(sk, :k)")
            .expression_attribute_values(":p", s(workspace_pk(id)))
            .expression_attribute_values(":k", s("EVENT#"))
            .send()
            .await?;
        Ok(live(answer.items.unwrap_or_default(), now).collect())
    }

    /// The newest events of an organisation, newest first.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn events(&self, org: &str, limit: i32, now: Timestamp) -> Result<Vec<StoredEvent>, StoreError> {
        let mut all = Vec::new();
        for shard in 0..EVENT_SHARDS {
            let answer = self
                .client
                .query()
                .table_name(&self.table)
                .index_name("gsi1")
                .scan_index_forward(false)
                .limit(limit)
                .key_condition_expression("gsi1pk = :p")
                .expression_attribute_values(":p", s(events_gsi(org, shard)))
                .send()
                .await?;
            all.extend(live(answer.items.unwrap_or_default(), now));
        }
        all.sort_by_key(|event| std::cmp::Reverse((event.created_at, event.id)));
        all.truncate(usize::try_from(limit).unwrap_or(0));
        Ok(all)
    }
}

fn live(items: Vec<Item>, now: Timestamp) -> impl Iterator<Item = StoredEvent> {
    readable(items, from_item::<StoredEvent>).filter(move |event| event.expires_at > now.ttl_seconds())
}

/// What the index must carry to list events without reading each.
pub(crate) const INDEXED_FIELDS: [&str; 6] =
    ["id", "event_type", "workspace_id", "payload", "created_at", "expires_at"];

#[cfg(test)]
mod tests {
    #[test]
    fn the_index_carries_every_field_of_a_stored_event() {
        let fields = super::INDEXED_FIELDS;
        let stored = serde_json::json!({
            "id": uuid::Uuid::nil(), "event_type": "WORKSPACE_ONLINE", "workspace_id": uuid::Uuid::nil(),
            "payload": "{}", "created_at": 0, "expires_at": 0,
        });
        let read: super::StoredEvent = serde_json::from_value(stored.clone()).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap().as_object().unwrap().len(), fields.len());
        assert!(fields.iter().all(|field| stored.get(field).is_some()));
    }
}
