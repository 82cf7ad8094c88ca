//! The ledger of fires: `WS#id` / `FIRE#sid#nominal`, one row per nominal fire or stretch of fires. A fire that was started
//! by hand has its message's id at the end, so that it never stands in the way of one that is due at the same time.

use std::time::Duration;

use rules::message::{FireOf, Message};
use rules::schedule::{Fire, Open, Schedule, Trigger};
use rules::{MessageId, ScheduleId, Timestamp, WorkspaceId};

use super::item::{from_item, n, readable, s, to_item};
use super::key::workspace_pk;
use super::transaction::Expression;
use super::{Key, Store, StoreError, Transaction};

/// Which row of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FireKey {
    /// Whose.
    pub workspace_id: WorkspaceId,
    /// Of which schedule.
    pub schedule_id: ScheduleId,
    /// The nominal time; of a stretch, the first.
    pub nominal: Timestamp,
    /// The message of a fire that was started by hand.
    pub manual: Option<MessageId>,
}

impl FireKey {
    /// Of the fire whose turn a message is.
    pub fn of_turn(message: &Message, of: FireOf) -> Self {
        Self {
            workspace_id: message.target,
            schedule_id: of.schedule,
            nominal: of.nominal,
            manual: of.manual.then_some(message.id),
        }
    }

    /// Of a fire that a schedule holds open.
    pub fn of_open(schedule: &Schedule, open: &Open) -> Self {
        Self {
            workspace_id: schedule.workspace_id,
            schedule_id: schedule.id,
            nominal: open.nominal,
            manual: open.manual.then_some(open.queue_id),
        }
    }

    /// Of a row.
    pub fn of(fire: &Fire) -> Self {
        Self {
            workspace_id: fire.workspace_id,
            schedule_id: fire.schedule_id,
            nominal: fire.nominal,
            manual: fire.queue_id.filter(|_| fire.trigger != Trigger::Cron),
        }
    }
}

impl Transaction<'_> {
    /// Writes a new row; there must be none for this fire yet.
    #[must_use]
    pub fn create_fire(self, fire: &Fire, keep: Duration) -> Self {
        self.write_fire(fire, Some(Expression::new("attribute_not_exists(pk)")), keep)
    }

    /// Writes a row over itself; its schedule's version guards it.
    #[must_use]
    pub fn put_fire(self, fire: &Fire, keep: Duration) -> Self {
        self.write_fire(fire, None, keep)
    }

    fn write_fire(mut self, fire: &Fire, condition: Option<Expression>, keep: Duration) -> Self {
        match to_item(fire) {
            Ok(mut item) => {
                item.extend(Key::Fire(FireKey::of(fire)).attributes());
                // One that is open ends first, and a message lives no longer than this.
                let open = if fire.outcome.is_settled() { Duration::ZERO } else { rules::message::MAX_LIFE };
                item.insert("expires_at".into(), n((fire.to + keep + open).ttl_seconds()));
                self.put(item, condition);
            }
            Err(error) => self.fail(error),
        }
        self
    }
}

impl Store {
    /// One row.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn fire(&self, key: FireKey) -> Result<Option<Fire>, StoreError> {
        self.get(&Key::Fire(key)).await?.map(from_item).transpose()
    }

    /// A row and its schedule, in one request.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn schedule_and_fire(&self, key: FireKey) -> Result<(Option<Schedule>, Option<Fire>), StoreError> {
        let keys = [Key::Schedule(key.workspace_id, key.schedule_id), Key::Fire(key)];
        let mut items = self.get_many(&keys).await?.into_iter();
        let (schedule, fire) = (items.next().flatten(), items.next().flatten());
        Ok((schedule.map(from_item).transpose()?, fire.map(from_item).transpose()?))
    }

    /// Rows of a schedule, newest first, from before `before` on, none that is older than `oldest`, at most `limit`.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn fires(
        &self,
        workspace: WorkspaceId,
        schedule: ScheduleId,
        before: Option<Timestamp>,
        oldest: Timestamp,
        limit: u32,
    ) -> Result<Vec<Fire>, StoreError> {
        if before.is_some_and(|before| before <= oldest) {
            return Ok(Vec::new());
        }
        // `~` sorts after every time.
        let bound = |at: Option<Timestamp>| at.map_or_else(|| "~".to_owned(), super::key::time_key);
        let prefix = format!("FIRE#{schedule}#");
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .scan_index_forward(false)
            .limit(limit.cast_signed())
            .key_condition_expression("pk = :p AND sk BETWEEN :first AND :last")
            .expression_attribute_values(":p", s(workspace_pk(workspace)))
            .expression_attribute_values(":first", s(format!("{prefix}{}", bound(Some(oldest)))))
            .expression_attribute_values(":last", s(format!("{prefix}{}", bound(before))))
            .send()
            .await?;
        let rows = readable(answer.items.unwrap_or_default(), from_item::<Fire>);
        Ok(rows.filter(|row| before.is_none_or(|before| row.nominal < before)).collect())
    }
}
