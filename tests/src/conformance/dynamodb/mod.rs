//! The DynamoDB behaviour that the platform relies on: one named check per behaviour, on a table of its own that the
//! platform's own bootstrap makes. May run against the embedded engine, an emulator or AWS itself.

mod bench;
mod index;
mod items;
mod tables;
mod transactions;

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use futures::future::BoxFuture;

use bench::{Bench, Outcome};

/// No check takes longer; a table may take half a minute to become active.
const LIMIT: Duration = Duration::from_secs(120);

type Check = for<'a> fn(&'a Bench) -> BoxFuture<'a, Outcome>;

macro_rules! checks {
    ($($module:ident: $($name:ident),+;)+) => {
        const CHECKS: &[(&str, Check)] = &[
            $($((stringify!($name), |bench| Box::pin($module::$name(bench))),)+)+
        ];
    };
}

checks! {
    tables: bootstrap_is_idempotent, a_newer_schema_is_refused, ttl_is_enabled;
    items: failed_condition_gives_the_old_item, update_gives_the_old_item, map_entries_are_conditions_and_removable,
        numbers_add_up_from_nothing, racing_conditions_have_one_winner, bytes_come_back, large_items_are_refused,
        batch_reads_are_consistent_and_skip_absent_ones;
    transactions: all_or_nothing, each_failed_condition_is_named, the_old_item_comes_with_the_failure,
        a_check_guards_without_writing, racing_transactions_have_one_winner, a_repeated_token_takes_effect_once;
    index: only_items_with_both_keys_are_indexed, removing_the_keys_removes_the_entry, ranges_and_orders,
        projected_fields_arrive, pages_join, prefixes_select;
}

/// The names of all checks.
pub fn names() -> impl Iterator<Item = &'static str> {
    CHECKS.iter().map(|(name, _)| *name)
}

/// Runs every check that is not skipped, one after the other, on a table of its own, which is deleted at the end.
pub async fn run(client: &Client, skip: &[&str]) -> Vec<(&'static str, Result<(), String>)> {
    let bench = Bench::new(client.clone()).await;
    let mut results = Vec::new();
    for (name, check) in CHECKS.iter().filter(|(name, _)| !skip.contains(name)) {
        let result = match &bench {
            Ok(bench) => {
                tokio::time::timeout(LIMIT, check(bench)).await.unwrap_or_else(|_| Err("took too long".into()))
            }
            Err(why) => Err(format!("no table: {why}")),
        };
        results.push((*name, result));
    }
    if let Ok(bench) = bench {
        bench.delete().await;
    }
    results
}
