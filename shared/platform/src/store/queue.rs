//! Lists of messages: the open ones of a workspace, the dead ones of an organisation, and all that a workspace got.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_dynamodb::types::Select;
use rules::lane::Lane;
use rules::message::{Message, State};
use rules::{MessageId, Timestamp, WorkspaceId};
use serde::Deserialize;

use super::item::{from_item, readable, s};
use super::key::{DEAD_SHARDS, dead_partition, open_gsi, workspace_pk};
use super::messages::read;
use super::{Item, Key, Store, StoreError};

/// What the index must carry to look after a queue without reading each of its messages.
pub(crate) const INDEXED_FIELDS: [&str; 5] = ["state", "lane", "deadline", "not_before", "sent_at"];
/// Positions are counted up to here.
const MOST_COUNTED: i32 = 1000;

/// What the index tells of an open message. It follows the record with a short delay, so it proposes and the record
/// decides.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Open {
    /// Which message.
    pub id: MessageId,
    /// Where it is.
    pub state: State,
    /// Its lane's group id.
    pub lane: String,
    /// Not handed out after this.
    pub deadline: Timestamp,
    /// Not handed out before this.
    #[serde(default)]
    pub not_before: Option<Timestamp>,
    /// When its pointer was sent; none while it waits outside the queue.
    #[serde(default)]
    pub sent_at: Option<Timestamp>,
}

impl From<&Message> for Open {
    fn from(message: &Message) -> Self {
        Self {
            id: message.id,
            state: message.state,
            lane: Lane::new(message.target, message.context_id.as_deref()).message_group_id(),
            deadline: message.deadline,
            not_before: message.not_before,
            sent_at: message.sent_at,
        }
    }
}

/// A page of messages, newest first.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// The messages.
    pub messages: Vec<Message>,
    /// Where the next page begins, if there is one.
    pub next: Option<MessageId>,
}

impl Store {
    /// The open messages of a workspace, oldest first.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn open(&self, target: WorkspaceId) -> Result<Vec<Open>, StoreError> {
        let items = self.query_index(open_gsi(target), None).await?;
        self.entries(target, items).await
    }

    /// Entries of an index that an older release made carry less; then the records tell.
    async fn entries(&self, target: WorkspaceId, items: Vec<Item>) -> Result<Vec<Open>, StoreError> {
        let mut entries = Vec::with_capacity(items.len());
        for item in items {
            let id: Option<MessageId> = item.get("gsi1sk").and_then(|id| id.as_s().ok()?.parse().ok());
            match from_item::<Open>(item) {
                Ok(entry) => entries.push(entry),
                Err(_) => {
                    let message = match id {
                        Some(id) => self.message(target, id).await?,
                        None => None,
                    };
                    entries.extend(message.map(|message| Open::from(&message)));
                }
            }
        }
        Ok(entries)
    }

    /// The oldest open messages of a workspace, at most `limit`.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn oldest_open(&self, target: WorkspaceId, limit: i32) -> Result<Vec<Open>, StoreError> {
        let query = self.client.query().table_name(&self.table).index_name("gsi1").limit(limit);
        let query =
            query.key_condition_expression("gsi1pk = :p").expression_attribute_values(":p", s(open_gsi(target)));
        let items = query.send().await?.items.unwrap_or_default();
        self.entries(target, items).await
    }

    /// How many messages of a workspace are open.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn open_count(&self, target: WorkspaceId) -> Result<usize, StoreError> {
        let query = self.client.query().table_name(&self.table).index_name("gsi1").select(Select::Count);
        let query =
            query.key_condition_expression("gsi1pk = :p").expression_attribute_values(":p", s(open_gsi(target)));
        let mut pages = query.into_paginator().send();
        let mut count = 0;
        while let Some(page) = pages.next().await {
            count += usize::try_from(page?.count).unwrap_or(0);
        }
        Ok(count)
    }

    /// How many open messages of the same workspace are older than this one, counted up to 1000.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn open_before(&self, target: WorkspaceId, id: MessageId) -> Result<usize, StoreError> {
        let query = self.client.query().table_name(&self.table).index_name("gsi1").select(Select::Count);
        let answer = query
            .limit(MOST_COUNTED)
            .key_condition_expression("gsi1pk = :p AND gsi1sk < :id")
            .expression_attribute_values(":p", s(open_gsi(target)))
            .expression_attribute_values(":id", s(id.to_string()))
            .send()
            .await?;
        Ok(usize::try_from(answer.count).unwrap_or(0))
    }

    /// Messages of a workspace, newest first, from before `before` on: `limit` records are read, those that `keep` wants
    /// come back.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn messages(
        &self,
        target: WorkspaceId,
        before: Option<MessageId>,
        limit: u32,
        keep: impl Fn(&Message) -> bool,
    ) -> Result<Page, StoreError> {
        // `~` sorts after every id.
        let upper = before.map_or_else(|| "~".to_owned(), |id| id.to_string());
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .scan_index_forward(false)
            .limit(limit.cast_signed() + i32::from(before.is_some()))
            .key_condition_expression("pk = :p AND sk BETWEEN :first AND :last")
            .expression_attribute_values(":p", s(workspace_pk(target)))
            .expression_attribute_values(":first", s("MSG#"))
            .expression_attribute_values(":last", s(format!("MSG#{upper}")))
            .send()
            .await?;
        let more = answer.last_evaluated_key.is_some();
        let items = answer.items.unwrap_or_default();
        let id = |item: &Item| item.get("sk")?.as_s().ok()?.strip_prefix("MSG#")?.parse().ok();
        let next = items.last().filter(|_| more).and_then(id);
        let messages = readable(items, read).filter(|message| Some(message.id) != before && keep(message)).collect();
        Ok(Page { messages, next })
    }

    /// These messages of a workspace, but for those that are gone.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn messages_of(&self, target: WorkspaceId, ids: &[MessageId]) -> Result<Vec<Message>, StoreError> {
        self.messages_at(&ids.iter().map(|id| Key::Message(target, *id)).collect::<Vec<_>>()).await
    }

    async fn messages_at(&self, keys: &[Key]) -> Result<Vec<Message>, StoreError> {
        let mut messages = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(100) {
            messages.extend(readable(self.get_many(chunk).await?.into_iter().flatten(), read));
        }
        Ok(messages)
    }

    /// Messages of an organisation that ended without an answer and can be revived, newest first.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn dead(&self, org: &str, before: Option<MessageId>, limit: u32) -> Result<Page, StoreError> {
        let upper = before.map_or_else(|| "~".to_owned(), |id| id.to_string());
        let mut found: Vec<(MessageId, WorkspaceId)> = Vec::new();
        for shard in 0..DEAD_SHARDS {
            let query = self.client.query().table_name(&self.table).index_name("gsi1").scan_index_forward(false);
            let answer = query
                .limit(limit.cast_signed() + 1)
                .key_condition_expression("gsi1pk = :p AND gsi1sk < :upper")
                .expression_attribute_values(":p", s(dead_partition(org, shard)))
                .expression_attribute_values(":upper", s(upper.clone()))
                .send()
                .await?;
            found.extend(answer.items.unwrap_or_default().iter().filter_map(place));
        }
        found.sort_by_key(|(id, _)| std::cmp::Reverse(*id));
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = found.len() > wanted;
        found.truncate(wanted);
        let keys: Vec<Key> = found.iter().map(|(id, target)| Key::Message(*target, *id)).collect();
        let mut messages = self.messages_at(&keys).await?;
        messages.retain(|message| message.state.may_be_replayed());
        Ok(Page { messages, next: found.last().filter(|_| more).map(|(id, _)| *id) })
    }
}

/// Which message an index entry is, by the key of its record.
fn place(item: &Item) -> Option<(MessageId, WorkspaceId)> {
    let text = |item: &HashMap<String, AttributeValue>, name: &str| item.get(name)?.as_s().ok().cloned();
    let target = text(item, "pk")?.strip_prefix("WS#")?.parse().ok()?;
    Some((text(item, "sk")?.strip_prefix("MSG#")?.parse().ok()?, target))
}
