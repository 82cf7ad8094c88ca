//! The sparse index. It is eventually consistent on AWS, so each check looks until it sees, within its bound.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;

use super::bench::{Bench, Item, Outcome, ensure, item, key, n, partition, s, text};

async fn query(bench: &Bench, gsi: &str, range: Option<(&str, &str)>, forward: bool) -> Result<Vec<Item>, String> {
    let mut query = bench
        .client
        .query()
        .table_name(&bench.table)
        .index_name("gsi1")
        .scan_index_forward(forward)
        .expression_attribute_values(":p", s(gsi));
    let mut condition = "gsi1pk = :p".to_owned();
    if let Some((text, value)) = range {
        condition = format!("{condition} AND {text}");
        query = query.expression_attribute_values(":k", s(value));
    }
    let mut pages = query.key_condition_expression(condition).into_paginator().items().send();
    let mut items = Vec::new();
    while let Some(item) = pages.next().await {
        items.push(item.map_err(text)?);
    }
    Ok(items)
}

/// Looks until `sks` are what the query gives.
async fn shows(bench: &Bench, gsi: &str, range: Option<(&str, &str)>, forward: bool, sks: &[&str]) -> Outcome {
    let mut seen = Vec::new();
    for _ in 0..100 {
        let items = query(bench, gsi, range, forward).await?;
        seen = items.iter().filter_map(|item| item.get("sk")?.as_s().ok().cloned()).collect();
        if seen == sks {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(format!("the index shows {seen:?}, not {sks:?}"))
}

fn entry(pk: &str, sk: &str, gsi: &str, order: &str) -> Item {
    item(pk, sk, &[("gsi1pk", s(gsi)), ("gsi1sk", s(order))])
}

pub(super) async fn only_items_with_both_keys_are_indexed(bench: &Bench) -> Outcome {
    let (pk, gsi) = (partition(), partition());
    bench.put(item(&pk, "none", &[])).await?;
    bench.put(item(&pk, "half", &[("gsi1pk", s(&gsi))])).await?;
    bench.put(entry(&pk, "both", &gsi, "1")).await?;
    shows(bench, &gsi, None, true, &["both"]).await
}

pub(super) async fn removing_the_keys_removes_the_entry(bench: &Bench) -> Outcome {
    let (pk, gsi) = (partition(), partition());
    bench.put(entry(&pk, "A", &gsi, "1")).await?;
    shows(bench, &gsi, None, true, &["A"]).await?;
    bench
        .client
        .update_item()
        .table_name(&bench.table)
        .set_key(Some(key(&pk, "A")))
        .update_expression("SET pending = :false REMOVE gsi1pk, gsi1sk")
        .expression_attribute_values(":false", AttributeValue::Bool(false))
        .send()
        .await
        .map_err(text)?;
    shows(bench, &gsi, None, true, &[]).await
}

pub(super) async fn ranges_and_orders(bench: &Bench) -> Outcome {
    let (pk, gsi) = (partition(), partition());
    for order in ["0003", "0001", "0002"] {
        bench.put(entry(&pk, order, &gsi, &format!("{order}#x"))).await?;
    }
    shows(bench, &gsi, Some(("gsi1sk <= :k", "0002~")), true, &["0001", "0002"]).await?;
    shows(bench, &gsi, None, false, &["0003", "0002", "0001"]).await
}

pub(super) async fn prefixes_select(bench: &Bench) -> Outcome {
    let (pk, gsi) = (partition(), partition());
    bench.put(entry(&pk, "child", &gsi, "parent#1")).await?;
    bench.put(entry(&pk, "root", &gsi, "root#1")).await?;
    shows(bench, &gsi, Some(("begins_with(gsi1sk, :k)", "parent#")), true, &["child"]).await
}

pub(super) async fn projected_fields_arrive(bench: &Bench) -> Outcome {
    let (pk, gsi) = (partition(), partition());
    let mut event = entry(&pk, "A", &gsi, "1");
    for field in platform::store::indexed_fields() {
        event.insert((*field).to_owned(), s("x"));
    }
    event.insert("expires_at".to_owned(), n(4_000_000_000));
    bench.put(event).await?;
    shows(bench, &gsi, None, true, &["A"]).await?;
    let shown = query(bench, &gsi, None, true).await?;
    let all = platform::store::indexed_fields().iter().all(|field| shown[0].contains_key(*field));
    ensure(all, "a projected field is missing")
}

pub(super) async fn pages_join(bench: &Bench) -> Outcome {
    let (pk, gsi) = (partition(), partition());
    let orders: Vec<String> = (0..12).map(|number| format!("{number:03}")).collect();
    for order in &orders {
        let mut large = entry(&pk, order, &gsi, order);
        large.insert("payload".to_owned(), s(&"x".repeat(150 * 1024)));
        bench.put(large).await?;
    }
    let orders: Vec<&str> = orders.iter().map(String::as_str).collect();
    shows(bench, &gsi, None, true, &orders).await
}
