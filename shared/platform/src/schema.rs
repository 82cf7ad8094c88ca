//! The table's shape and its version. Any number of starts leave the same table; nothing is ever dropped.
//!
//! On AWS the template makes the table, with a stream beside it. A table that is made here has none: nothing reads it, and
//! an embedded engine would keep every write a second time.

use std::time::Duration;

use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, TableStatus, TimeToLiveSpecification, TimeToLiveStatus,
};

use crate::store::{Key, Store, StoreError};

/// Raised with each change of the shape; a table of a newer version is refused.
pub const VERSION: u32 = 1;

/// Why the table cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The datastore failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It was written by a newer release.
    #[error("the table has schema version {found}, this release knows {VERSION}; run the newer release")]
    Newer {
        /// The table's version.
        found: u32,
    },
    /// It did not become active.
    #[error("the table did not become active within 60 s")]
    NotActive,
}

fn attribute(name: &str) -> Result<AttributeDefinition, StoreError> {
    Ok(AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S).build()?)
}

fn element(name: &str, key_type: KeyType) -> Result<KeySchemaElement, StoreError> {
    Ok(KeySchemaElement::builder().attribute_name(name).key_type(key_type).build()?)
}

/// Creates the table where there is none, switches TTL on, and settles the schema version.
///
/// # Errors
/// The datastore fails, or the table is of a newer release.
pub async fn bootstrap(store: &Store) -> Result<(), SchemaError> {
    create(store).await?;
    wait_active(store).await?;
    enable_ttl(store).await?;
    settle_version(store).await
}

async fn create(store: &Store) -> Result<(), SchemaError> {
    let fields = crate::store::indexed_fields().iter().map(|field| (*field).to_owned()).collect();
    let index = GlobalSecondaryIndex::builder()
        .index_name("gsi1")
        .key_schema(element("gsi1pk", KeyType::Hash)?)
        .key_schema(element("gsi1sk", KeyType::Range)?)
        .projection(
            Projection::builder().projection_type(ProjectionType::Include).set_non_key_attributes(Some(fields)).build(),
        )
        .build()
        .map_err(StoreError::from)?;
    let created = store
        .client()
        .create_table()
        .table_name(store.table())
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(attribute("pk")?)
        .attribute_definitions(attribute("sk")?)
        .attribute_definitions(attribute("gsi1pk")?)
        .attribute_definitions(attribute("gsi1sk")?)
        .key_schema(element("pk", KeyType::Hash)?)
        .key_schema(element("sk", KeyType::Range)?)
        .global_secondary_indexes(index)
        .send()
        .await;
    match created {
        Ok(_) => Ok(()),
        Err(error) if matches!(error.as_service_error(), Some(CreateTableError::ResourceInUseException(_))) => Ok(()),
        Err(error) => Err(StoreError::from(error).into()),
    }
}

async fn wait_active(store: &Store) -> Result<(), SchemaError> {
    for _ in 0..600 {
        let described =
            store.client().describe_table().table_name(store.table()).send().await.map_err(StoreError::from)?;
        if described.table.and_then(|table| table.table_status) == Some(TableStatus::Active) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(SchemaError::NotActive)
}

async fn enable_ttl(store: &Store) -> Result<(), SchemaError> {
    let described =
        store.client().describe_time_to_live().table_name(store.table()).send().await.map_err(StoreError::from)?;
    let status = described.time_to_live_description.and_then(|ttl| ttl.time_to_live_status);
    if matches!(status, Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)) {
        return Ok(());
    }
    let specification = TimeToLiveSpecification::builder()
        .attribute_name("expires_at")
        .enabled(true)
        .build()
        .map_err(StoreError::from)?;
    store
        .client()
        .update_time_to_live()
        .table_name(store.table())
        .time_to_live_specification(specification)
        .send()
        .await
        .map_err(StoreError::from)?;
    Ok(())
}

async fn settle_version(store: &Store) -> Result<(), SchemaError> {
    let stored = store.get(&Key::Schema).await?;
    let found = stored.as_ref().and_then(|item| item.get("version")?.as_n().ok()?.parse().ok());
    match found {
        Some(VERSION) => Ok(()),
        Some(found) if found > VERSION => Err(SchemaError::Newer { found }),
        _ => {
            let mut item = Key::Schema.attributes();
            item.insert("version".into(), AttributeValue::N(VERSION.to_string()));
            store
                .client()
                .put_item()
                .table_name(store.table())
                .set_item(Some(item))
                .send()
                .await
                .map_err(StoreError::from)?;
            Ok(())
        }
    }
}
