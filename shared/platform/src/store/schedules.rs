//! Schedules: `WS#id` / `SCHED#sid`, indexed as due for a fire while they are enabled; their prompts beside them, `PROMPT#sid`,
//! so that a fire does not write the prompt again; and the rows that make their names unique, `SCHEDNAME#digest`.

use futures::future::try_join_all;
use rules::schedule::Schedule;
use rules::{ScheduleId, Timestamp, WorkspaceId};
use serde::{Deserialize, Serialize};

use super::item::{from_item, n, readable, s, to_item};
use super::key::{due_gsi, time_key, workspace_pk};
use super::transaction::Expression;
use super::{DUE_SHARDS, Item, Key, Store, StoreError, Transaction};
use crate::entropy::digest;

/// The kind of due items that schedules are.
const DUE: &str = "fire";

/// A schedule whose time has come or will soon, by the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueFire {
    /// Whose.
    pub workspace_id: WorkspaceId,
    /// Which.
    pub schedule_id: ScheduleId,
    /// When it is due.
    pub due: Timestamp,
}

/// What an agent is told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    /// The text.
    pub text: String,
    /// Raised by each edit.
    pub revision: u64,
}

pub(super) fn read(item: Item) -> Result<Schedule, StoreError> {
    from_item(item)
}

impl Transaction<'_> {
    /// Stores a new schedule.
    #[must_use]
    pub fn create_schedule(self, schedule: &Schedule) -> Self {
        self.write_schedule(schedule, Expression::new("attribute_not_exists(pk)"))
    }

    /// Writes a schedule over the version `schedule.version - 1`.
    #[must_use]
    pub fn put_schedule(self, schedule: &Schedule) -> Self {
        self.write_schedule(schedule, seen(schedule.version.saturating_sub(1)))
    }

    fn write_schedule(mut self, schedule: &Schedule, condition: Expression) -> Self {
        match to_item(schedule) {
            Ok(mut item) => {
                item.extend(Key::Schedule(schedule.workspace_id, schedule.id).attributes());
                if let Some(due) = schedule.due() {
                    item.insert("gsi1pk".into(), s(due_gsi(DUE, shard(schedule.id))));
                    item.insert("gsi1sk".into(), s(format!("{}#{}", time_key(due), schedule.id)));
                }
                self.put(item, Some(condition));
            }
            Err(error) => self.fail(error),
        }
        self
    }

    /// Deletes a schedule as it was read, with its prompt, and frees its name.
    #[must_use]
    pub fn delete_schedule(mut self, schedule: &Schedule) -> Self {
        self.delete(&Key::Schedule(schedule.workspace_id, schedule.id), Some(seen(schedule.version)));
        self.delete(&Key::Prompt(schedule.workspace_id, schedule.id), None);
        self.delete(&name_key(schedule.workspace_id, &schedule.name), None);
        self
    }

    /// Writes a schedule's prompt; the schedule's version guards it.
    #[must_use]
    pub fn put_prompt(mut self, schedule: &Schedule, text: &str) -> Self {
        match to_item(&Prompt { text: text.to_owned(), revision: schedule.prompt_revision }) {
            Ok(mut item) => {
                item.extend(Key::Prompt(schedule.workspace_id, schedule.id).attributes());
                self.put(item, None);
            }
            Err(error) => self.fail(error),
        }
        self
    }

    /// Takes a name within a workspace for a schedule.
    #[must_use]
    pub fn claim_schedule_name(mut self, schedule: &Schedule) -> Self {
        let mut item = name_key(schedule.workspace_id, &schedule.name).attributes();
        item.insert("schedule_id".into(), s(schedule.id.to_string()));
        let condition = Expression::new("attribute_not_exists(pk) OR schedule_id = :own");
        self.put(item, Some(condition.value(":own", s(schedule.id.to_string()))));
        self
    }

    /// Frees a name.
    #[must_use]
    pub fn free_schedule_name(mut self, workspace: WorkspaceId, name: &str) -> Self {
        self.delete(&name_key(workspace, name), None);
        self
    }
}

impl Store {
    /// One schedule.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn schedule(&self, workspace: WorkspaceId, id: ScheduleId) -> Result<Option<Schedule>, StoreError> {
        self.get(&Key::Schedule(workspace, id)).await?.map(read).transpose()
    }

    /// The prompt of a schedule.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn prompt(&self, workspace: WorkspaceId, id: ScheduleId) -> Result<Option<Prompt>, StoreError> {
        self.get(&Key::Prompt(workspace, id)).await?.map(from_item).transpose()
    }

    /// The prompts of some schedules of a workspace, in their order.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn prompts(&self, schedules: &[Schedule]) -> Result<Vec<Prompt>, StoreError> {
        let mut prompts = Vec::with_capacity(schedules.len());
        for chunk in schedules.chunks(100) {
            let keys: Vec<Key> = chunk.iter().map(|one| Key::Prompt(one.workspace_id, one.id)).collect();
            for item in self.get_many(&keys).await? {
                prompts.push(item.map(from_item).transpose()?.unwrap_or_default());
            }
        }
        Ok(prompts)
    }

    /// The schedules of a workspace, oldest first.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn schedules(&self, workspace: WorkspaceId) -> Result<Vec<Schedule>, StoreError> {
        let items = self.query_prefix(workspace_pk(workspace), "SCHED#").await?;
        let mut schedules: Vec<Schedule> = readable(items, read).collect();
        schedules.sort_by_key(|schedule| (schedule.created_at, schedule.id));
        Ok(schedules)
    }

    /// The schedules that are due until `until`, whoever's, the earliest of each shard first. Proportional to what is due,
    /// not to what there is.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn due_fires(&self, until: Timestamp) -> Result<Vec<DueFire>, StoreError> {
        let until = format!("{}~", time_key(until));
        let shards =
            (0..DUE_SHARDS).map(|shard| self.query_index(due_gsi(DUE, shard), Some(("gsi1sk <= :k", until.clone()))));
        let items = try_join_all(shards).await?;
        let mut due: Vec<_> = items.iter().flatten().filter_map(due_fire).collect();
        due.sort_by_key(|fire| fire.due);
        Ok(due)
    }
}

fn due_fire(item: &Item) -> Option<DueFire> {
    let text = |name: &str| item.get(name)?.as_s().ok();
    let (due, _) = text("gsi1sk")?.split_once('#')?;
    Some(DueFire {
        workspace_id: text("pk")?.strip_prefix("WS#")?.parse().ok()?,
        schedule_id: text("sk")?.strip_prefix("SCHED#")?.parse().ok()?,
        due: Timestamp::from_millis(due.parse().ok()?),
    })
}

fn shard(id: ScheduleId) -> u8 {
    id.uuid().as_bytes()[15] % DUE_SHARDS
}

fn name_key(workspace: WorkspaceId, name: &str) -> Key {
    Key::ScheduleName(workspace, digest(name))
}

fn seen(version: u64) -> Expression {
    Expression::new("#v = :v").name("#v", "version").value(":v", n(version))
}
