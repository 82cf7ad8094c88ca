//! Delivery slots: `WS#target` / `SLOTS`, indexed as due for a drain while messages are open.

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

impl Transaction<'_> {
    /// A message was accepted: the sweep looks here from now on, and a drain that saw nothing must look again.
    #[must_use]
    pub fn open_slots(mut self, id: WorkspaceId, priority: Priority, now: Timestamp) -> Self {
        let queue = match priority {
            Priority::Critical => ", critical = :true",
            Priority::Task => "",
            Priority::Info => ", info = :true",
        };
        let update = Expression::new(format!("ADD wakes :one SET pending = :true, gsi1pk = :pk, gsi1sk = :sk{queue}"))
            .value(":one", n(1))
            .value(":true", aws_sdk_dynamodb::types::AttributeValue::Bool(true))
            .value(":pk", s(due_gsi("drain", id.shard(DUE_SHARDS))))
            .value(":sk", s(due_key(id, now)));
        self.update(&Key::Slots(id), update, None);
        self
    }

    /// Writes the slots over the version that was read; `version` is raised here. `wakes` and `pending`, which accepts
    /// write, are left alone.
    #[must_use]
    pub fn put_slots(mut self, id: WorkspaceId, slots: &Slots) -> Self {
        match slots_update(slots) {
            Ok((update, condition)) => self.update(&Key::Slots(id), update, Some(condition)),
            Err(error) => self.fail(error),
        }
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
        "SET slots = :slots, #version = :next, epoch = :epoch, ended = :ended, last_contact = :contact",
    )
    .name("#version", "version")
    .value(":slots", to_attribute(&slots.slots)?)
    .value(":next", n(slots.version + 1))
    .value(":epoch", n(slots.epoch))
    .value(":ended", to_attribute(&slots.ended)?)
    .value(":contact", to_attribute(&slots.last_contact)?);
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
        self.transaction().put_slots(id, &slots).commit().await?;
        Ok(Slots { version: slots.version + 1, ..slots })
    }
}
