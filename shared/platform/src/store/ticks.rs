//! When each subsystem last ran: `SYSTEM` / `TICK#name`, for `/admin/liveness`.

use rules::Timestamp;
use serde::{Deserialize, Serialize};

use super::item::{from_item, readable, to_item};
use super::{Key, Store, StoreError};

/// One subsystem's last run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Tick {
    /// Its name.
    pub name: String,
    /// When it ran.
    pub at: Timestamp,
    /// It suspects the platform rather than the agents.
    #[serde(default)]
    pub suspect: bool,
}

impl Store {
    /// Notes that a subsystem ran.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn tick(&self, tick: &Tick) -> Result<(), StoreError> {
        let mut item = to_item(tick)?;
        item.extend(Key::Tick(tick.name.clone()).attributes());
        self.client.put_item().table_name(&self.table).set_item(Some(item)).send().await?;
        Ok(())
    }

    /// The last run of every subsystem.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn ticks(&self) -> Result<Vec<Tick>, StoreError> {
        let items = self.query_prefix("SYSTEM".to_owned(), "TICK#").await?;
        Ok(readable(items, from_item).collect())
    }
}
