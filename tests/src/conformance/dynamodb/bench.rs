//! A table for the checks, and short ways to say what they do.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use platform::store::Store;
use uuid::Uuid;

/// What a check ends with.
pub(super) type Outcome = Result<(), String>;
/// An item.
pub(super) type Item = HashMap<String, AttributeValue>;

/// The table.
pub(super) struct Bench {
    pub(super) client: Client,
    pub(super) store: Store,
    pub(super) table: String,
}

impl Bench {
    pub(super) async fn new(client: Client) -> Result<Self, String> {
        let table = format!("conformance-{}", Uuid::new_v4());
        let store = Store::new(client.clone(), table.clone());
        platform::schema::bootstrap(&store).await.map_err(|error| error.to_string())?;
        Ok(Self { client, store, table })
    }

    pub(super) async fn delete(&self) {
        self.client.delete_table().table_name(&self.table).send().await.ok();
    }

    pub(super) async fn put(&self, item: Item) -> Outcome {
        self.client.put_item().table_name(&self.table).set_item(Some(item)).send().await.map_err(text)?;
        Ok(())
    }

    pub(super) async fn get(&self, pk: &str, sk: &str) -> Result<Option<Item>, String> {
        let got = self.client.get_item().table_name(&self.table).set_key(Some(key(pk, sk))).consistent_read(true);
        Ok(got.send().await.map_err(text)?.item)
    }
}

/// A partition of this check's own.
pub(super) fn partition() -> String {
    format!("P#{}", Uuid::new_v4())
}

pub(super) fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

pub(super) fn n(number: i64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

pub(super) fn key(pk: &str, sk: &str) -> Item {
    HashMap::from([("pk".to_owned(), s(pk)), ("sk".to_owned(), s(sk))])
}

pub(super) fn item(pk: &str, sk: &str, fields: &[(&str, AttributeValue)]) -> Item {
    let mut item = key(pk, sk);
    item.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    item
}

pub(super) fn ensure(holds: bool, what: &str) -> Outcome {
    if holds { Ok(()) } else { Err(what.to_owned()) }
}

pub(super) fn text<E: std::error::Error>(error: E) -> String {
    aws_sdk_dynamodb::error::DisplayErrorContext(error).to_string()
}
