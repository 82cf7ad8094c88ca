//! Bodies of messages and answers, beside their records: `BODY#id` / `request#000 …`, zstd, in parts of at most 350 KB.
//!
//! They lie apart so that a change of state writes a small record and not the body again. A record without its parts is
//! corrupt; parts without a record are garbage that TTL collects.

use std::time::Duration;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use rules::message::Message;
use rules::{MessageId, Timestamp};

use super::item::n;
use super::key::Key;
use super::transaction::Expression;
use super::{Item, Store, StoreError, Transaction};

/// Largest part, in bytes; an item may have 400 KB.
const PART: usize = 350 * 1024;
/// Parts that go into the transaction of their record; more are written ahead of it.
const IN_TRANSACTION: usize = 4;
/// Below this many bytes compressing is not worth its time.
const WORTH_COMPRESSING: usize = 1024;

/// Which body of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyKind {
    /// What was sent.
    Request,
    /// What the agent answered.
    Answer,
}

impl BodyKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Answer => "answer",
        }
    }
}

fn parts(id: MessageId, kind: BodyKind, body: &[u8], expires_at: i64) -> Result<Vec<Item>, StoreError> {
    let compressed = body.len() >= WORTH_COMPRESSING;
    let stored = if compressed {
        zstd::bulk::compress(body, 3).map_err(|error| StoreError::Corrupt(error.to_string()))?
    } else {
        body.to_vec()
    };
    let count = stored.len().div_ceil(PART).max(1);
    let mut chunks = stored.chunks(PART);
    Ok((0..count)
        .map(|part| {
            let mut item: Item = Key::Body(id, kind.as_str(), part).attributes();
            item.insert("data".into(), AttributeValue::B(Blob::new(chunks.next().unwrap_or_default())));
            item.insert("parts".into(), n(count));
            item.insert("size".into(), n(body.len()));
            item.insert("zstd".into(), AttributeValue::Bool(compressed));
            item.insert("expires_at".into(), n(expires_at));
            item
        })
        .collect())
}

impl Store {
    /// Adds a body to the transaction of its record; the parts of a very large one are written ahead of it.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn with_body<'a>(
        &'a self,
        mut transaction: Transaction<'a>,
        id: MessageId,
        kind: BodyKind,
        body: &[u8],
        now: Timestamp,
        keep: Duration,
    ) -> Result<Transaction<'a>, StoreError> {
        let items = parts(id, kind, body, (now + keep).ttl_seconds())?;
        let ahead = items.len() > IN_TRANSACTION;
        for item in items {
            if ahead {
                self.client.put_item().table_name(&self.table).set_item(Some(item)).send().await?;
            } else {
                transaction.put(item, None);
            }
        }
        Ok(transaction)
    }

    /// Reads a body back.
    ///
    /// # Errors
    /// The datastore does not answer, or a part is missing.
    pub async fn body(&self, id: MessageId, kind: BodyKind) -> Result<Option<Bytes>, StoreError> {
        let Some(first) = self.get(&Key::Body(id, kind.as_str(), 0)).await? else { return Ok(None) };
        self.join(id, kind, first).await.map(Some)
    }

    /// Keeps the request's body of a message that is revived for as long as its record.
    ///
    /// # Errors
    /// The datastore does not answer; [`StoreError::Corrupt`] when the body is gone.
    pub async fn keep_body<'a>(
        &'a self,
        mut transaction: Transaction<'a>,
        message: &Message,
        now: Timestamp,
        keep: Duration,
    ) -> Result<Transaction<'a>, StoreError> {
        let kind = BodyKind::Request.as_str();
        let first = self.get(&Key::Body(message.id, kind, 0)).await?.ok_or_else(missing)?;
        let until = (now + (message.deadline.since(now) + keep)).ttl_seconds();
        for part in 0..number(&first, "parts")? {
            let update = Expression::new("SET expires_at = :until").value(":until", n(until));
            let there = Expression::new("attribute_exists(pk)");
            transaction.update(&Key::Body(message.id, kind, part), update, Some(there));
        }
        Ok(transaction)
    }

    async fn join(&self, id: MessageId, kind: BodyKind, first: Item) -> Result<Bytes, StoreError> {
        let count = number(&first, "parts")?;
        let size = number(&first, "size")?;
        let compressed = matches!(first.get("zstd"), Some(AttributeValue::Bool(true)));
        let mut stored = data(first)?;
        if count > 1 {
            let rest: Vec<Key> = (1..count).map(|part| Key::Body(id, kind.as_str(), part)).collect();
            for part in self.get_many(&rest).await? {
                stored.extend(data(part.ok_or_else(missing)?)?);
            }
        }
        let body = if compressed {
            zstd::bulk::decompress(&stored, size).map_err(|error| StoreError::Corrupt(error.to_string()))?
        } else {
            stored
        };
        if body.len() == size { Ok(body.into()) } else { Err(missing()) }
    }
}

fn missing() -> StoreError {
    StoreError::Corrupt("a part of a body is missing".to_owned())
}

fn number(item: &Item, name: &str) -> Result<usize, StoreError> {
    item.get(name).and_then(|value| value.as_n().ok()?.parse().ok()).ok_or_else(missing)
}

fn data(mut item: Item) -> Result<Vec<u8>, StoreError> {
    match item.remove("data") {
        Some(AttributeValue::B(blob)) => Ok(blob.into_inner()),
        _ => Err(missing()),
    }
}
