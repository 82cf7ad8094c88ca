//! Delivery slots: `WS#target` / `SLOTS`, indexed as due for a drain while messages are open.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::ReturnValue;
use rules::message::Priority;
use rules::slots::Slots;
use rules::{Timestamp, WorkspaceId};

use super::item::{from_item, n, s, to_attribute};
use super::key::{due_gsi, time_key};
use super::transaction::Expression;
use super::{CommitError, DUE_SHARDS, Item, Key, Store, StoreError, Transaction};

pub(super) fn read(item: Item) -> Result<Slots, StoreError> {
    from_item(item)
}

fn due_key(id: WorkspaceId, at: Timestamp) -> String {
    format!("{}#{id}", time_key(at))
}

/// A write of the slots, and what it means for the messages.
#[derive(Debug, Clone, Copy)]
pub struct SlotsChange<'a> {
    slots: &'a Slots,
    ended: bool,
    fed: bool,
}

impl<'a> SlotsChange<'a> {
    /// Slots as they are to be.
    pub const fn to(slots: &'a Slots) -> Self {
        Self { slots, ended: false, fed: false }
    }

    /// A message ended with it.
    #[must_use]
    pub const fn ended(self, ended: bool) -> Self {
        Self { ended, ..self }
    }

    /// A message got through to the agent.
    #[must_use]
    pub const fn fed(self, fed: bool) -> Self {
        Self { fed, ..self }
    }
}

impl Transaction<'_> {
    /// A message was accepted: the sweep looks here from now on, and a drain that saw nothing must look again.
    #[must_use]
    pub fn open_slots(mut self, id: WorkspaceId, priority: Priority, now: Timestamp) -> Self {
        let queue = match priority {
            Priority::Critical => ", critical = :true",
            Priority::Task => "",
            Priority::Info => ", info = :true",
        };
        let update = Expression::new(format!(
            "ADD wakes :one, #open :one SET pending = :true, gsi1pk = :pk, gsi1sk = :sk{queue}"
        ))
        .name("#open", "open")
        .value(":one", n(1))
        .value(":true", aws_sdk_dynamodb::types::AttributeValue::Bool(true))
        .value(":pk", s(due_gsi("drain", id.shard(DUE_SHARDS))))
        .value(":sk", s(due_key(id, now)));
        self.update(&Key::Slots(id), update, None);
        self
    }

    /// Writes the slots over the version that was read; `version` is raised here. `wakes`, `pending` and `open`, which
    /// accepts write, are left alone but for what the change says.
    #[must_use]
    pub fn put_slots(mut self, id: WorkspaceId, change: SlotsChange<'_>) -> Self {
        match slots_update(change.slots) {
            Ok((mut update, condition)) => {
                if change.fed {
                    update = update.append(" REMOVE starving_since");
                }
                if change.ended {
                    update = update.append(" ADD #open :less").name("#open", "open").value(":less", n(-1));
                }
                self.update(&Key::Slots(id), update, Some(condition));
            }
            Err(error) => self.fail(error),
        }
        self
    }

    /// One open message less, or one more. Only where the slots were read: there must be some.
    #[must_use]
    pub fn count_open(mut self, id: WorkspaceId, by: i64) -> Self {
        let update = Expression::new("ADD #open :by").name("#open", "open").value(":by", n(by));
        self.update(&Key::Slots(id), update, Some(Expression::new("attribute_exists(pk)")));
        self
    }

    /// Writes the slots and ends the drain, if no wake came since `slots` was read: the sweep looks again at once while
    /// messages are pending, else when the next slot ends, or not at all.
    #[must_use]
    pub fn close_slots(mut self, id: WorkspaceId, slots: &Slots, now: Timestamp) -> Self {
        let (update, condition) = match slots_update(slots) {
            Ok(built) => built,
            Err(error) => {
                self.fail(error);
                return self;
            }
        };
        let update = update.value(":pending", aws_sdk_dynamodb::types::AttributeValue::Bool(slots.pending));
        let update = match slots.due(now) {
            None => update.append(", pending = :pending REMOVE gsi1pk, gsi1sk"),
            Some(due) => update
                .append(", pending = :pending, gsi1pk = :pk, gsi1sk = :sk")
                .value(":pk", s(due_gsi("drain", id.shard(DUE_SHARDS))))
                .value(":sk", s(due_key(id, due))),
        };
        let condition = condition.append(" AND (wakes = :w OR (attribute_not_exists(wakes) AND :w = :zero))");
        let condition = condition.value(":w", n(slots.wakes)).value(":zero", n(0));
        self.update(&Key::Slots(id), update, Some(condition));
        self
    }

    /// The target is gone.
    #[must_use]
    pub fn delete_slots(mut self, id: WorkspaceId) -> Self {
        self.delete(&Key::Slots(id), None);
        self
    }
}

fn slots_update(slots: &Slots) -> Result<(Expression, Expression), StoreError> {
    let update = Expression::new(
        "SET slots = :slots, #version = :next, epoch = :epoch, ended = :ended, last_contact = :contact, ladder = :ladder",
    )
    .name("#version", "version")
    .value(":slots", to_attribute(&slots.slots)?)
    .value(":next", n(slots.version + 1))
    .value(":epoch", n(slots.epoch))
    .value(":ended", to_attribute(&slots.ended)?)
    .value(":contact", to_attribute(&slots.last_contact)?)
    .value(":ladder", to_attribute(&slots.ladder)?);
    let condition = Expression::new("(#version = :seen OR (attribute_not_exists(#version) AND :seen = :none))")
        .name("#version", "version")
        .value(":seen", n(slots.version))
        .value(":none", n(0));
    Ok((update, condition))
}

impl Store {
    /// A wake found no room: the drain that holds it must look again before it ends. Returns the slots as they were when
    /// it was noted; without slots, nothing was ever accepted, or the workspace is gone.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn note_wake(&self, id: WorkspaceId) -> Result<Option<Slots>, StoreError> {
        let noted = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::Slots(id).attributes()))
            .update_expression("ADD wakes :one")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":one", n(1))
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        match noted {
            Ok(answer) => answer.attributes.map(read).transpose(),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(None),
                _ => Err(error.into()),
            },
        }
    }

    /// Writes the slots alone, over the version that was read; returns them with their new version.
    ///
    /// # Errors
    /// [`CommitError::Moved`] when another drain was quicker.
    pub async fn save_slots(&self, id: WorkspaceId, slots: Slots) -> Result<Slots, CommitError> {
        self.transaction().put_slots(id, SlotsChange::to(&slots)).commit().await?;
        Ok(Slots { version: slots.version + 1, ..slots })
    }

    /// Notes since when messages have been waiting in spite of room, or that none does any more. Nothing hangs on it but
    /// what readers are told, so it is not conditional.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn note_starving(&self, id: WorkspaceId, since: Option<Timestamp>) -> Result<(), StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::Slots(id).attributes()))
            .condition_expression("attribute_exists(pk)");
        let update = match since {
            Some(since) => update
                .update_expression("SET starving_since = if_not_exists(starving_since, :since)")
                .expression_attribute_values(":since", n(since.millis())),
            None => update.update_expression("REMOVE starving_since"),
        };
        if_there(update.send().await)
    }

    /// Sets how many messages are open, after a count at a start, when nobody else writes.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn recount_open(&self, id: WorkspaceId, open: usize) -> Result<(), StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::Slots(id).attributes()))
            .condition_expression("attribute_exists(pk)")
            .update_expression("SET #open = :open")
            .expression_attribute_names("#open", "open")
            .expression_attribute_values(":open", n(open));
        if_there(update.send().await)
    }
}

/// Slots that went with their workspace need nothing.
fn if_there<T, R>(sent: Result<T, SdkError<UpdateItemError, R>>) -> Result<(), StoreError>
where
    StoreError: From<SdkError<UpdateItemError, R>>,
{
    match sent {
        Ok(_) => Ok(()),
        Err(error) => match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(()),
            _ => Err(error.into()),
        },
    }
}
