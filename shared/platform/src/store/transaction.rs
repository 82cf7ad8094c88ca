//! Several writes, all or none.

use std::time::Duration;

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};

use rules::event::EventType;

use super::error::Failed;
use super::{CommitError, Item, Key, Store, StoreError, jittered};
use crate::measures;

/// Rounds when another transaction holds an item; then it is the datastore that is too busy.
const CONFLICT_ROUNDS: u32 = 8;

/// A condition or an update: its expression with names and values.
#[derive(Debug, Clone, Default)]
pub(super) struct Expression {
    text: String,
    names: Vec<(String, String)>,
    values: Vec<(String, AttributeValue)>,
}

impl Expression {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// Replaces the text, once its placeholders are known.
    pub(super) fn text(mut self, text: String) -> Self {
        self.text = text;
        self
    }

    /// Adds to the text.
    pub(super) fn append(mut self, more: &str) -> Self {
        self.text.push_str(more);
        self
    }

    pub(super) fn name(mut self, placeholder: &str, name: &str) -> Self {
        self.names.push((placeholder.to_owned(), name.to_owned()));
        self
    }

    pub(super) fn value(mut self, placeholder: &str, value: AttributeValue) -> Self {
        self.values.push((placeholder.to_owned(), value));
        self
    }
}

/// Writes that take effect together.
#[derive(Debug)]
pub struct Transaction<'a> {
    store: &'a Store,
    writes: Vec<TransactWriteItem>,
    fault: Option<StoreError>,
    told: Vec<EventType>,
}

macro_rules! apply_expression {
    ($builder:expr, $setter:ident, $expression:expr) => {{
        let expression = $expression;
        let mut builder = $builder.$setter(expression.text);
        for (placeholder, name) in expression.names {
            builder = builder.expression_attribute_names(placeholder, name);
        }
        for (placeholder, value) in expression.values {
            builder = builder.expression_attribute_values(placeholder, value);
        }
        builder
    }};
}

impl<'a> Transaction<'a> {
    pub(super) fn new(store: &'a Store) -> Self {
        Self { store, writes: Vec::new(), fault: None, told: Vec::new() }
    }

    fn push<E: Into<StoreError>>(&mut self, built: Result<TransactWriteItem, E>) {
        match built {
            Ok(write) => self.writes.push(write),
            Err(error) => self.fault = Some(error.into()),
        }
    }

    /// Notes an event among the writes.
    pub(super) fn tells(&mut self, event: EventType) {
        self.told.push(event);
    }

    /// Records that a write could not even be made; the commit then fails.
    pub(super) fn fail(&mut self, error: StoreError) {
        self.fault = Some(error);
    }

    pub(super) fn put(&mut self, item: Item, condition: Option<Expression>) {
        let mut builder = Put::builder().table_name(&self.store.table).set_item(Some(item));
        if let Some(condition) = condition {
            builder = apply_expression!(builder, condition_expression, condition)
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        }
        self.push(builder.build().map(|put| TransactWriteItem::builder().put(put).build()));
    }

    pub(super) fn update(&mut self, key: &Key, update: Expression, condition: Option<Expression>) {
        let builder = Update::builder().table_name(&self.store.table).set_key(Some(key.attributes()));
        let mut builder = apply_expression!(builder, update_expression, update);
        if let Some(condition) = condition {
            builder = apply_expression!(builder, condition_expression, condition);
        }
        self.push(builder.build().map(|update| TransactWriteItem::builder().update(update).build()));
    }

    pub(super) fn delete(&mut self, key: &Key, condition: Option<Expression>) {
        let mut builder = Delete::builder().table_name(&self.store.table).set_key(Some(key.attributes()));
        if let Some(condition) = condition {
            builder = apply_expression!(builder, condition_expression, condition);
        }
        self.push(builder.build().map(|delete| TransactWriteItem::builder().delete(delete).build()));
    }

    pub(super) fn check(&mut self, key: &Key, condition: Expression) {
        let builder = ConditionCheck::builder().table_name(&self.store.table).set_key(Some(key.attributes()));
        let builder = apply_expression!(builder, condition_expression, condition);
        self.push(builder.build().map(|check| TransactWriteItem::builder().condition_check(check).build()));
    }

    /// How many writes it holds.
    pub fn len(&self) -> usize {
        self.writes.len()
    }

    /// No writes.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// Writes all of it. The SDK's idempotency token makes its own retries harmless when an answer is lost.
    ///
    /// # Errors
    /// [`CommitError::Moved`] when a condition does not hold; a conflict with another transaction is tried again here, and
    /// is the datastore's failure in the end, never a caller's fault.
    pub async fn commit(self) -> Result<(), CommitError> {
        if let Some(error) = self.fault {
            return Err(error.into());
        }
        let mut round = 0;
        loop {
            let request = self.store.client.transact_write_items().set_transact_items(Some(self.writes.clone()));
            let Err(error) = request.send().await else {
                self.told.iter().for_each(|event| measures::told(*event));
                return Ok(());
            };
            let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error()
            else {
                return Err(StoreError::from(error).into());
            };
            let reasons = cancelled.cancellation_reasons();
            let failed: Vec<Failed> = reasons
                .iter()
                .enumerate()
                .filter(|(_, reason)| reason.code() == Some("ConditionalCheckFailed"))
                .map(|(index, reason)| Failed { index, old: reason.item.clone() })
                .collect();
            if !failed.is_empty() {
                return Err(CommitError::Moved(failed));
            }
            let conflict = reasons.iter().any(|reason| reason.code() == Some("TransactionConflict"));
            round += 1;
            if !conflict || round >= CONFLICT_ROUNDS {
                return Err(StoreError::from(error).into());
            }
            tokio::time::sleep(jittered(Duration::from_millis(10 << round))).await;
        }
    }
}
