//! Events of streamed answers: `STREAM#message` / `slot epoch # number of the first # part`.
//!
//! Events that come together lie together, as a JSON list, zstd where it is worth it. The parts of one such item are
//! written in order, and so are the items: who reads up to an item has missed nothing before it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use rules::envelope::Generation;
use rules::task::StreamEvent;
use rules::{MessageId, Timestamp};
use serde_json::Value;

use super::item::{n, s};
use super::key::stream_pk;
use super::{Item, Key, Store, StoreError};

/// Largest part, in bytes.
const PART: usize = 350 * 1024;
/// Below this many bytes compressing is not worth its time.
const WORTH_COMPRESSING: usize = 1024;

/// Where in a stream an event is: the event's id, `epoch-number`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Place {
    /// The slot epoch of the delivery that it belongs to; a later delivery begins anew.
    pub epoch: u64,
    /// Its number there, from 1.
    pub number: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.number)
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (epoch, number) = text.split_once('-').ok_or(())?;
        Ok(Self { epoch: epoch.parse().map_err(|_| ())?, number: number.parse().map_err(|_| ())? })
    }
}

/// A stored event.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// Where it is.
    pub place: Place,
    /// What it says.
    pub event: StreamEvent,
}

impl Store {
    /// Stores events that come one after the other from `first` on.
    ///
    /// # Errors
    /// The datastore does not answer; nothing that was not written whole is ever read.
    pub async fn put_events(
        &self,
        id: MessageId,
        first: Place,
        events: &[StreamEvent],
        now: Timestamp,
        keep: Duration,
    ) -> Result<(), StoreError> {
        // As they would be told to a client of 0.3, with errors beside results.
        let list: Vec<Value> = events
            .iter()
            .map(|event| {
                let (field, told) = event.body(Generation::V03);
                serde_json::json!({ field: told })
            })
            .collect();
        let body = Value::Array(list).to_string().into_bytes();
        let compressed = body.len() >= WORTH_COMPRESSING;
        let stored = match compressed {
            true => zstd::bulk::compress(&body, 3).map_err(|error| StoreError::Corrupt(error.to_string()))?,
            false => body.clone(),
        };
        let count = stored.len().div_ceil(PART).max(1);
        for (part, chunk) in stored.chunks(PART).enumerate() {
            let mut item: Item = Key::Stream(id, first.epoch, first.number, part).attributes();
            item.insert("data".into(), AttributeValue::B(Blob::new(chunk)));
            item.insert("parts".into(), n(count));
            item.insert("size".into(), n(body.len()));
            item.insert("zstd".into(), AttributeValue::Bool(compressed));
            item.insert("expires_at".into(), n((now + keep).ttl_seconds()));
            self.client.put_item().table_name(&self.table).set_item(Some(item)).send().await?;
        }
        Ok(())
    }

    /// The events of a streamed answer after `after`, in order. `from` is where the reader stopped: the sort key of the
    /// last item that it read, which this moves on.
    ///
    /// # Errors
    /// The datastore does not answer, or an item cannot be read.
    pub async fn events_after(
        &self,
        id: MessageId,
        after: Place,
        from: &mut Option<String>,
    ) -> Result<Vec<Stored>, StoreError> {
        let query = self.client.query().table_name(&self.table).consistent_read(true);
        let mut pages = query
            .key_condition_expression("pk = :p AND sk > :from")
            .expression_attribute_values(":p", s(stream_pk(id)))
            .expression_attribute_values(":from", s(from.clone().unwrap_or_else(|| "0".to_owned())))
            .into_paginator()
            .send();
        let (mut found, mut parts) = (Vec::new(), Vec::new());
        while let Some(page) = pages.next().await {
            for item in page?.items.unwrap_or_default() {
                let Some(part) = Part::of(item) else {
                    return Err(StoreError::Corrupt("an event of a stream".to_owned()));
                };
                if part.number == 0 {
                    parts.clear();
                }
                parts.push(part);
                if let Some(last) = parts.last().filter(|last| parts.len() == last.of) {
                    *from = Some(last.sk.clone());
                    found.extend(join(&parts)?);
                    parts.clear();
                }
            }
        }
        found.retain(|stored| stored.place > after);
        Ok(found)
    }
}

/// One item.
struct Part {
    sk: String,
    first: Place,
    number: usize,
    of: usize,
    size: usize,
    compressed: bool,
    data: Vec<u8>,
}

impl Part {
    fn of(mut item: Item) -> Option<Self> {
        let count = |item: &Item, name: &str| item.get(name)?.as_n().ok()?.parse().ok();
        let sk = item.get("sk")?.as_s().ok()?.clone();
        let mut place = sk.split('#');
        let (epoch, first, number) = (place.next()?, place.next()?, place.next()?);
        Some(Self {
            first: Place { epoch: epoch.parse().ok()?, number: first.parse().ok()? },
            number: number.parse().ok()?,
            of: count(&item, "parts")?,
            size: count(&item, "size")?,
            compressed: *item.get("zstd")?.as_bool().ok()?,
            data: match item.remove("data")? {
                AttributeValue::B(data) => data.into_inner(),
                _ => return None,
            },
            sk,
        })
    }
}

fn join(parts: &[Part]) -> Result<Vec<Stored>, StoreError> {
    let corrupt = |why: String| StoreError::Corrupt(why);
    let Some(head) = parts.first() else { return Ok(Vec::new()) };
    let stored: Vec<u8> = parts.iter().flat_map(|part| &part.data).copied().collect();
    let body = match head.compressed {
        true => zstd::bulk::decompress(&stored, head.size).map_err(|error| corrupt(error.to_string()))?,
        false => stored,
    };
    let list: Vec<Value> = serde_json::from_slice(&body).map_err(|error| corrupt(error.to_string()))?;
    let read = |told: &Value| StreamEvent::read(told.to_string().as_bytes());
    let events = list.iter().enumerate().map(|(offset, told)| {
        let number = head.first.number.saturating_add(u32::try_from(offset).unwrap_or(u32::MAX));
        let place = Place { number, ..head.first };
        let event = read(told).ok_or_else(|| corrupt(format!("event {place} of a stream")))?;
        Ok(Stored { place, event })
    });
    events.collect()
}
