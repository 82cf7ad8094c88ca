//! The table itself.

use aws_sdk_dynamodb::types::{AttributeValue, TimeToLiveStatus};
use platform::schema::{SchemaError, bootstrap};
use platform::store::Key;

use super::bench::{Bench, Outcome, ensure, text};

pub(super) async fn bootstrap_is_idempotent(bench: &Bench) -> Outcome {
    let describe = || bench.client.describe_table().table_name(&bench.table).send();
    let before = describe().await.map_err(text)?.table.ok_or("no table")?;
    for _ in 0..3 {
        bootstrap(&bench.store).await.map_err(|error| error.to_string())?;
    }
    let after = describe().await.map_err(text)?.table.ok_or("no table")?;
    ensure(before.key_schema == after.key_schema, "the keys changed")?;
    ensure(before.creation_date_time == after.creation_date_time, "the table was made again")?;
    let index = after.global_secondary_indexes.unwrap_or_default();
    ensure(index.len() == 1 && index[0].index_name.as_deref() == Some("gsi1"), "not exactly one index gsi1")
}

pub(super) async fn a_newer_schema_is_refused(bench: &Bench) -> Outcome {
    let mut newer = Key::Schema.attributes();
    newer.insert("version".into(), AttributeValue::N("999".into()));
    bench.put(newer.clone()).await?;
    let refused = matches!(bootstrap(&bench.store).await, Err(SchemaError::Newer { found: 999 }));
    newer.insert("version".into(), AttributeValue::N(platform::schema::VERSION.to_string()));
    bench.put(newer).await?;
    ensure(refused, "a table of a newer release was taken")
}

pub(super) async fn ttl_is_enabled(bench: &Bench) -> Outcome {
    let described = bench.client.describe_time_to_live().table_name(&bench.table).send().await.map_err(text)?;
    let ttl = described.time_to_live_description.ok_or("no description")?;
    ensure(ttl.attribute_name.as_deref() == Some("expires_at"), "TTL is on another attribute")?;
    let on = matches!(ttl.time_to_live_status, Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling));
    ensure(on, "TTL is off")
}
