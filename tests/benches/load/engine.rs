//! The bare engine: the DynamoDB requests that a route is made of, through the same SDK client, with nothing of ours around.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, ReturnValue, TransactWriteItem, Update};

use crate::Agent;
use crate::figures::{Figures, cpu};

/// Does what `name` does at the table, over and over, with `tasks` at once.
pub(crate) async fn run(
    name: &'static str,
    endpoints: &local::aws::Endpoints,
    table: &str,
    agents: &Arc<Vec<Agent>>,
    tasks: usize,
    length: Duration,
) -> Figures {
    let client = local::aws::Clients::new(endpoints, &HashMap::new(), platform::aws::http_client()).await.dynamodb;
    let (begin, cpu_before) = (Instant::now(), cpu());
    let mut running = tokio::task::JoinSet::new();
    for task in 0..tasks {
        let (client, table, agents) = (client.clone(), table.to_owned(), Arc::clone(agents));
        running.spawn(async move {
            let mut figures = Figures::new();
            let mut next = task * agents.len() / tasks;
            while begin.elapsed() < length {
                let start = Instant::now();
                let key = format!("BENCH#{}", agents[next % agents.len()].id);
                match name {
                    "heartbeat" => update(&client, &table, &key).await,
                    "register" => {
                        get(&client, &table, &key, 4).await;
                        transact(&client, &table, &key).await;
                    }
                    _ => get(&client, &table, &key, 3).await,
                }
                figures.micros.record(u64::try_from(start.elapsed().as_micros()).unwrap().max(1)).unwrap();
                figures.count += 1;
                next += 1;
            }
            figures
        });
    }
    let mut total = Figures::new();
    while let Some(figures) = running.join_next().await {
        let figures = figures.unwrap();
        total.count += figures.count;
        total.micros.add(&figures.micros).unwrap();
    }
    total.length = begin.elapsed();
    total.cpu = cpu() - cpu_before;
    total
}

fn key(pk: &str, sk: &str) -> HashMap<String, AttributeValue> {
    HashMap::from([("pk".into(), AttributeValue::S(pk.into())), ("sk".into(), AttributeValue::S(sk.into()))])
}

async fn update(client: &Client, table: &str, pk: &str) {
    client
        .update_item()
        .table_name(table)
        .set_key(Some(key(pk, "LEASE")))
        .update_expression("SET lease_until = :until, expires_at = :ttl, beat = :beat")
        .condition_expression("attribute_not_exists(gone) OR lease_until > :until")
        .expression_attribute_values(":until", AttributeValue::N("1".into()))
        .expression_attribute_values(":ttl", AttributeValue::N("4000000000".into()))
        .expression_attribute_values(":beat", AttributeValue::S("x".repeat(200)))
        .return_values(ReturnValue::AllOld)
        .send()
        .await
        .unwrap();
}

async fn transact(client: &Client, table: &str, pk: &str) {
    let write = |sk: &str| {
        let update = Update::builder()
            .table_name(table)
            .set_key(Some(key(pk, sk)))
            .update_expression("SET lease_until = :until, card = :card")
            .expression_attribute_values(":until", AttributeValue::N("1".into()))
            .expression_attribute_values(":card", AttributeValue::S("x".repeat(400)))
            .build()
            .unwrap();
        TransactWriteItem::builder().update(update).build()
    };
    client.transact_write_items().transact_items(write("A")).transact_items(write("B")).send().await.unwrap();
}

async fn get(client: &Client, table: &str, pk: &str, count: usize) {
    let keys = (0..count).map(|number| key(pk, &format!("K{number}"))).collect();
    let request = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build().unwrap();
    client.batch_get_item().request_items(table, request).send().await.unwrap();
}
