//! One table. Each kind of item has a module of its own; every write that a decision led to is conditional on what the
//! decision was made from, and goes out in one [`Transaction`].

mod activity;
mod bodies;
mod delegations;
mod error;
mod events;
mod fires;
mod item;
mod key;
mod leases;
mod look;
mod memories;
mod messages;
mod queue;
mod schedules;
mod secrets;
mod slots;
mod streams;
mod tasks;
mod ticks;
mod tokens;
mod transaction;
mod workspaces;

pub use bodies::BodyKind;
pub use error::{CommitError, StoreError};
pub use events::StoredEvent;
pub use fires::FireKey;
pub use item::Item;
pub use key::{DEAD_SHARDS, DUE_SHARDS, EVENT_SHARDS, Key, LEASE_SHARDS};
pub use leases::Renewal;
pub use look::{Look, Many, Snapshot};
pub use messages::Idempotency;
pub use queue::{Open, Page};
pub use schedules::{DueFire, Prompt};
pub use slots::SlotsChange;
pub use streams::{Place, Stored};
pub use ticks::Tick;
pub use transaction::Transaction;

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};

/// The table, through the SDK.
#[derive(Debug, Clone)]
pub struct Store {
    client: aws_sdk_dynamodb::Client,
    table: String,
}

/// Half to one and a half times as long, so that those who met once do not meet again.
fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(rand::random_range(0.5..1.5))
}

/// Rounds of a batch read before unprocessed keys count as a failure.
const BATCH_ROUNDS: u32 = 4;

impl Store {
    /// The store of `table`.
    pub fn new(client: aws_sdk_dynamodb::Client, table: String) -> Self {
        Self { client, table }
    }

    /// The SDK client, for what has no module here: bootstrap and tests.
    pub fn client(&self) -> &aws_sdk_dynamodb::Client {
        &self.client
    }

    /// The table's name.
    pub fn table(&self) -> &str {
        &self.table
    }

    /// Asks for an item that is not there, so that the connection is open.
    ///
    /// # Errors
    /// The table does not answer.
    pub async fn greet(&self) -> Result<(), StoreError> {
        self.get(&Key::Token(String::new())).await.map(|_| ())
    }

    /// A transaction over this table.
    pub fn transaction(&self) -> Transaction<'_> {
        Transaction::new(self)
    }

    /// Reads up to 100 items in one strongly consistent request; absent ones are `None`, in the order of `keys`.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, StoreError> {
        let mut found: HashMap<(String, String), Item> = HashMap::new();
        let mut pending: Vec<_> = keys.iter().map(Key::attributes).collect();
        for round in 0..BATCH_ROUNDS {
            if pending.is_empty() {
                break;
            }
            if round > 0 {
                tokio::time::sleep(jittered(Duration::from_millis(25 << round))).await;
            }
            let request = KeysAndAttributes::builder().set_keys(Some(pending)).consistent_read(true).build()?;
            let answer = self.client.batch_get_item().request_items(&self.table, request).send().await?;
            for item in answer.responses.unwrap_or_default().into_values().flatten() {
                if let (Some(AttributeValue::S(pk)), Some(AttributeValue::S(sk))) = (item.get("pk"), item.get("sk")) {
                    found.insert((pk.clone(), sk.clone()), item);
                }
            }
            pending = answer
                .unprocessed_keys
                .unwrap_or_default()
                .remove(&self.table)
                .map(|rest| rest.keys)
                .unwrap_or_default();
        }
        if !pending.is_empty() {
            return Err(StoreError::Throttled);
        }
        Ok(keys.iter().map(|key| found.remove(&(key.pk(), key.sk()))).collect())
    }

    /// Reads one item, strongly consistent.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn get(&self, key: &Key) -> Result<Option<Item>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key.attributes()))
            .consistent_read(true)
            .send()
            .await?;
        Ok(answer.item)
    }
}

/// What the index projects beside keys, so that events and queues are listed from it; the template's list is compared with
/// this.
pub fn indexed_fields() -> Vec<&'static str> {
    events::INDEXED_FIELDS.into_iter().chain(queue::INDEXED_FIELDS).collect()
}
