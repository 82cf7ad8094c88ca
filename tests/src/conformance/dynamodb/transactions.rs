//! Transactions.

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    CancellationReason, ConditionCheck, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};

use super::bench::{Bench, Item, Outcome, ensure, item, key, n, partition, text};

fn put(bench: &Bench, item: Item, condition: Option<&str>) -> Result<TransactWriteItem, String> {
    let put = Put::builder()
        .table_name(&bench.table)
        .set_item(Some(item))
        .set_condition_expression(condition.map(str::to_owned))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    Ok(TransactWriteItem::builder().put(put.build().map_err(text)?).build())
}

async fn write(bench: &Bench, writes: Vec<TransactWriteItem>) -> Result<(), Vec<CancellationReason>> {
    let sent = bench.client.transact_write_items().set_transact_items(Some(writes)).send().await;
    sent.map(|_| ()).map_err(|error| match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            cancelled.cancellation_reasons().to_vec()
        }
        _ => Vec::new(),
    })
}

pub(super) async fn all_or_nothing(bench: &Bench) -> Outcome {
    let pk = partition();
    bench.put(item(&pk, "B", &[])).await?;
    let new = Some("attribute_not_exists(pk)");
    let writes = vec![put(bench, item(&pk, "A", &[]), new)?, put(bench, item(&pk, "B", &[("v", n(1))]), new)?];
    ensure(write(bench, writes).await.is_err(), "a transaction with a false condition was written")?;
    ensure(bench.get(&pk, "A").await?.is_none(), "half of it was written")
}

pub(super) async fn each_failed_condition_is_named(bench: &Bench) -> Outcome {
    let pk = partition();
    bench.put(item(&pk, "B", &[])).await?;
    let new = Some("attribute_not_exists(pk)");
    let writes = vec![
        put(bench, item(&pk, "A", &[]), new)?,
        put(bench, item(&pk, "B", &[]), new)?,
        put(bench, item(&pk, "C", &[]), None)?,
    ];
    let reasons = write(bench, writes).await.err().ok_or("it was written")?;
    let codes: Vec<_> = reasons.iter().map(|reason| reason.code().unwrap_or("None")).collect();
    ensure(codes == ["None", "ConditionalCheckFailed", "None"], &format!("reasons {codes:?}"))
}

pub(super) async fn the_old_item_comes_with_the_failure(bench: &Bench) -> Outcome {
    let pk = partition();
    bench.put(item(&pk, "A", &[("v", n(7))])).await?;
    let writes = vec![put(bench, item(&pk, "A", &[]), Some("attribute_not_exists(pk)"))?];
    let reasons = write(bench, writes).await.err().ok_or("it was written")?;
    let old = reasons.first().and_then(|reason| reason.item()?.get("v").cloned());
    ensure(old == Some(n(7)), "no old item")
}

pub(super) async fn a_check_guards_without_writing(bench: &Bench) -> Outcome {
    let pk = partition();
    bench.put(item(&pk, "A", &[("version", n(3))])).await?;
    let check = |version: i64| -> Result<TransactWriteItem, String> {
        let check = ConditionCheck::builder()
            .table_name(&bench.table)
            .set_key(Some(key(&pk, "A")))
            .condition_expression("version = :v")
            .expression_attribute_values(":v", n(version));
        Ok(TransactWriteItem::builder().condition_check(check.build().map_err(text)?).build())
    };
    let stale = write(bench, vec![check(2)?, put(bench, item(&pk, "B", &[]), None)?]).await;
    ensure(stale.is_err() && bench.get(&pk, "B").await?.is_none(), "a failed check did not stop the write")?;
    let good = write(bench, vec![check(3)?, put(bench, item(&pk, "B", &[]), None)?]).await;
    ensure(good.is_ok() && bench.get(&pk, "B").await?.is_some(), "a check that holds stopped the write")
}

fn bump(bench: &Bench, pk: &str) -> Result<TransactWriteItem, String> {
    let update = Update::builder()
        .table_name(&bench.table)
        .set_key(Some(key(pk, "A")))
        .update_expression("SET version = :next")
        .condition_expression("version = :seen")
        .expression_attribute_values(":seen", n(1))
        .expression_attribute_values(":next", n(2));
    Ok(TransactWriteItem::builder().update(update.build().map_err(text)?).build())
}

pub(super) async fn racing_transactions_have_one_winner(bench: &Bench) -> Outcome {
    let pk = partition();
    bench.put(item(&pk, "A", &[("version", n(1))])).await?;
    let mut racers = Vec::new();
    for number in 0..12 {
        racers.push(write(bench, vec![bump(bench, &pk)?, put(bench, item(&pk, &format!("W{number}"), &[]), None)?]));
    }
    let won = futures::future::join_all(racers).await.iter().filter(|done| done.is_ok()).count();
    ensure(won == 1, &format!("{won} of 12 transactions over one version won"))
}

pub(super) async fn a_repeated_token_takes_effect_once(bench: &Bench) -> Outcome {
    let pk = partition();
    bench.put(item(&pk, "A", &[("version", n(1))])).await?;
    let token = uuid::Uuid::new_v4().to_string();
    for _ in 0..2 {
        let writes = vec![bump(bench, &pk)?];
        let sent = bench.client.transact_write_items().set_transact_items(Some(writes)).client_request_token(&token);
        sent.send().await.map_err(text)?;
    }
    Ok(())
}
