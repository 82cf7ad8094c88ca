//! Between typed records and items.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreError;

/// An item as DynamoDB has it.
pub type Item = HashMap<String, AttributeValue>;

/// A record's attributes. Absent options are absent attributes, so that `attribute_exists` means what it says.
pub(super) fn to_item(record: &impl Serialize) -> Result<Item, StoreError> {
    let mut item: Item = serde_dynamo::aws_sdk_dynamodb_1::to_item(record)?;
    item.retain(|_, value| !matches!(value, AttributeValue::Null(_)));
    Ok(item)
}

/// One value's attribute.
pub(super) fn to_attribute(value: &impl Serialize) -> Result<AttributeValue, StoreError> {
    Ok(serde_dynamo::aws_sdk_dynamodb_1::to_attribute_value(value)?)
}

/// A record from an item; attributes that the record does not know are ignored.
pub(super) fn from_item<T: DeserializeOwned>(item: Item) -> Result<T, StoreError> {
    Ok(serde_dynamo::aws_sdk_dynamodb_1::from_item(item)?)
}

/// The records of a list but for those that cannot be read: one bad record is no reason to show none.
pub(super) fn readable<T>(
    items: impl IntoIterator<Item = Item>,
    read: impl Fn(Item) -> Result<T, StoreError>,
) -> impl Iterator<Item = T> {
    items.into_iter().filter_map(move |item| {
        let key = ["pk", "sk"].map(|name| item.get(name).and_then(|key| key.as_s().ok()).cloned().unwrap_or_default());
        read(item)
            .inspect_err(|error| {
                tracing::error!(%error, pk = key[0], sk = key[1], "a record that cannot be read is left out");
            })
            .ok()
    })
}

/// A string attribute.
pub(super) fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

/// A number attribute.
#[expect(clippy::needless_pass_by_value, reason = "called with number literals")]
pub(super) fn n(number: impl ToString) -> AttributeValue {
    AttributeValue::N(number.to_string())
}
