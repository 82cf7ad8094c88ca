//! Single items.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, ReturnValue, ReturnValuesOnConditionCheckFailure};

use super::bench::{Bench, Outcome, ensure, item, key, n, partition, s, text};

pub(super) async fn failed_condition_gives_the_old_item(bench: &Bench) -> Outcome {
    let pk = partition();
    let update = |condition: &str| {
        bench
            .client
            .update_item()
            .table_name(&bench.table)
            .set_key(Some(key(&pk, "A")))
            .update_expression("SET a = :v")
            .condition_expression(condition)
            .expression_attribute_values(":v", n(2))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    };
    for (prepare, expected) in [(false, None), (true, Some(n(1)))] {
        if prepare {
            bench.put(item(&pk, "A", &[("a", n(1))])).await?;
        }
        let error = update("attribute_exists(b)").send().await.err().ok_or("a false condition held")?;
        let Some(UpdateItemError::ConditionalCheckFailedException(failed)) = error.as_service_error() else {
            return Err(text(error));
        };
        let old = failed.item.as_ref().and_then(|item| item.get("a").cloned());
        ensure(old == expected, "the old item did not come with the failure, or came although there was none")?;
    }
    Ok(())
}

pub(super) async fn update_gives_the_old_item(bench: &Bench) -> Outcome {
    let pk = partition();
    bench.put(item(&pk, "A", &[("a", n(1)), ("b", s("x"))])).await?;
    let answer = bench
        .client
        .update_item()
        .table_name(&bench.table)
        .set_key(Some(key(&pk, "A")))
        .update_expression("REMOVE b SET a = :v, since = if_not_exists(since, :v)")
        .condition_expression("#a < :v")
        .expression_attribute_names("#a", "a")
        .expression_attribute_values(":v", n(2))
        .return_values(ReturnValue::AllOld)
        .send()
        .await
        .map_err(text)?;
    let old = answer.attributes.ok_or("no old item")?;
    ensure(old.get("a") == Some(&n(1)) && old.contains_key("b"), "the old item is not the old item")?;
    let new = bench.get(&pk, "A").await?.ok_or("gone")?;
    ensure(new.get("a") == Some(&n(2)) && new.get("since") == Some(&n(2)) && !new.contains_key("b"), "not updated")
}

pub(super) async fn map_entries_are_conditions_and_removable(bench: &Bench) -> Outcome {
    let pk = partition();
    let odd = "uyVIfwp4a6kOQzqx53uF-kB49_lkki7uG71EDSsOPXo";
    let digests = AttributeValue::M(HashMap::from([(odd.to_owned(), n(1)), ("other".to_owned(), n(2))]));
    bench.put(item(&pk, "A", &[("digests", digests)])).await?;
    let strike = || {
        bench
            .client
            .update_item()
            .table_name(&bench.table)
            .set_key(Some(key(&pk, "A")))
            .update_expression("REMOVE digests.#d")
            .condition_expression("attribute_exists(digests.#d)")
            .expression_attribute_names("#d", odd)
            .send()
    };
    strike().await.map_err(text)?;
    ensure(strike().await.is_err(), "a removed entry still exists")?;
    let left =
        bench.get(&pk, "A").await?.and_then(|item| item.get("digests")?.as_m().ok().cloned()).unwrap_or_default();
    ensure(left.len() == 1 && left.contains_key("other"), "the wrong entry went")?;
    let absent = bench
        .client
        .update_item()
        .table_name(&bench.table)
        .set_key(Some(key(&pk, "B")))
        .update_expression("SET a = :v")
        .condition_expression("attribute_not_exists(digests.#d)")
        .expression_attribute_names("#d", odd)
        .expression_attribute_values(":v", n(1))
        .send();
    absent.await.map_err(text).map(|_| ())
}

pub(super) async fn numbers_add_up_from_nothing(bench: &Bench) -> Outcome {
    let pk = partition();
    let add = || {
        bench
            .client
            .update_item()
            .table_name(&bench.table)
            .set_key(Some(key(&pk, "A")))
            .update_expression("ADD wakes :one SET pending = :true")
            .expression_attribute_values(":one", n(1))
            .expression_attribute_values(":true", AttributeValue::Bool(true))
            .send()
    };
    let added = futures::future::join_all((0..16).map(|_| add())).await;
    ensure(added.iter().all(Result::is_ok), "an ADD failed")?;
    let sum = bench.get(&pk, "A").await?.and_then(|item| item.get("wakes").cloned());
    ensure(sum == Some(n(16)), "an ADD was lost")
}

pub(super) async fn racing_conditions_have_one_winner(bench: &Bench) -> Outcome {
    let pk = partition();
    bench.put(item(&pk, "A", &[("version", n(1))])).await?;
    let write = |number: i64| {
        bench
            .client
            .update_item()
            .table_name(&bench.table)
            .set_key(Some(key(&pk, "A")))
            .update_expression("SET version = :next, winner = :w")
            .condition_expression("version = :seen")
            .expression_attribute_values(":seen", n(1))
            .expression_attribute_values(":next", n(2))
            .expression_attribute_values(":w", n(number))
            .send()
    };
    let won = futures::future::join_all((0..16).map(write)).await.iter().filter(|done| done.is_ok()).count();
    ensure(won == 1, &format!("{won} of 16 writers over one version won"))
}

pub(super) async fn bytes_come_back(bench: &Bench) -> Outcome {
    let pk = partition();
    let bytes: Vec<u8> = (0..=255).cycle().take(300 * 1024).collect();
    bench.put(item(&pk, "A", &[("data", AttributeValue::B(Blob::new(bytes.clone())))])).await?;
    let got = bench.get(&pk, "A").await?.and_then(|item| item.get("data")?.as_b().ok().cloned());
    ensure(got.is_some_and(|got| got.into_inner() == bytes), "other bytes")
}

pub(super) async fn large_items_are_refused(bench: &Bench) -> Outcome {
    let refused = bench.put(item(&partition(), "A", &[("data", s(&"x".repeat(410 * 1024)))])).await.is_err();
    ensure(refused, "an item over 400 KB was taken")
}

pub(super) async fn batch_reads_are_consistent_and_skip_absent_ones(bench: &Bench) -> Outcome {
    let pk = partition();
    for number in 0..5 {
        bench.put(item(&pk, &format!("K{number}"), &[("v", n(number))])).await?;
    }
    let keys = (0..10).map(|number| key(&pk, &format!("K{number}"))).collect();
    let wanted = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build().map_err(text)?;
    let answer = bench.client.batch_get_item().request_items(&bench.table, wanted).send().await.map_err(text)?;
    let found = answer.responses.unwrap_or_default().remove(&bench.table).unwrap_or_default();
    ensure(found.len() == 5, "not exactly the items that exist")
}
