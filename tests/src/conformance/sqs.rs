//! The SQS behaviour that the platform relies on: one named check per behaviour.
//!
//! Every check makes queues of its own and removes them, and is bounded in time, so the suite may run against the
//! embedded engine, an emulator or AWS itself, also beside other work. It speaks of behaviour only: where SQS leaves
//! something open, a check accepts what SQS may do.

mod bench;
mod dedup;
mod groups;
mod leases;
mod messages;
mod polling;
mod queues;
mod redrive;

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt};

use bench::{Bench, Outcome};

/// No check takes longer. The longest ones wait for a few seconds of visibility timeout.
const LIMIT: Duration = Duration::from_secs(90);
/// Most of a check is waiting, so some run side by side.
const SIDE_BY_SIDE: usize = 4;

type Check = for<'a> fn(&'a Bench) -> BoxFuture<'a, Outcome>;

macro_rules! checks {
    ($($module:ident: $($name:ident),+;)+) => {
        const CHECKS: &[(&str, Check)] = &[
            $($((stringify!($name), |bench| Box::pin($module::$name(bench))),)+)+
        ];
    };
}

checks! {
    queues: create_is_idempotent, create_with_other_attributes_is_refused, unknown_queue_is_a_typed_error,
        deleted_queue_is_unknown, queues_are_listed_in_pages, attributes_are_read_and_set, tags_come_and_go,
        counts_follow_the_messages, purge_takes_all_messages, second_purge_is_refused;
    groups: group_is_locked_while_in_flight, group_keeps_its_order, several_of_a_group_in_one_receive,
        groups_take_turns, consumers_never_share_a_group, group_is_required, system_attributes_by_either_name;
    dedup: repeat_by_id_is_recognised, repeat_by_content_is_recognised, repeat_after_the_delete_is_recognised,
        repeat_scope_may_be_the_group, dedup_id_is_required;
    leases: expiry_returns_the_message_to_the_head, visibility_zero_gives_back, visibility_may_be_extended,
        stale_delete_keeps_the_message, stale_visibility_change_is_a_typed_error, visibility_has_a_range,
        receive_attempt_may_be_repeated;
    polling: empty_poll_waits, poll_is_woken_by_a_send, poll_is_woken_by_an_expiry, poll_is_woken_by_a_delay_ending,
        poll_is_woken_by_a_give_back, poll_is_woken_by_a_delete, aborted_poll_takes_no_message, receive_has_limits;
    redrive: dead_letter_keeps_its_group, redrive_count_may_be_a_string, poll_gets_the_next_after_a_redrive;
    messages: standard_queue_carries_messages, delay_of_message_and_queue, fifo_refuses_a_delay_per_message,
        message_attributes_arrive_with_digests, thousand_kibibytes_arrive, more_than_a_mebibyte_is_refused,
        control_characters_are_refused, batches_succeed_and_fail_by_entry, malformed_batches_are_typed_errors;
}

/// The names of all checks.
pub fn names() -> impl Iterator<Item = &'static str> {
    CHECKS.iter().map(|(name, _)| *name)
}

/// Runs the checks that are not in `skip` and says of each how it went, in the order of the suite.
pub async fn run(client: &Client, skip: &[&str]) -> Vec<(&'static str, Result<(), String>)> {
    // Collected first: a stream over borrowed closures asks more of the compiler's inference than it can give.
    let chosen: Vec<_> = CHECKS.iter().copied().filter(|(name, _)| !skip.contains(name)).collect();
    stream::iter(chosen)
        .map(|(name, check)| {
            let client = client.clone();
            async move { (name, run_one(client, check).await) }
        })
        .buffered(SIDE_BY_SIDE)
        .collect()
        .await
}

async fn run_one(client: Client, check: Check) -> Outcome {
    let bench = Bench::new(client);
    let outcome = tokio::time::timeout(LIMIT, check(&bench)).await;
    bench.clean_up().await;
    outcome.unwrap_or_else(|_| Err(format!("not done after {LIMIT:?}")))
}

/// A client for an endpoint over plain HTTP, with the credentials that emulators take, and without retries: a check
/// wants to see the first answer.
pub fn client(endpoint: &str) -> Client {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "conformance"))
        .retry_config(RetryConfig::disabled())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(endpoint)
        .build();
    Client::from_conf(config)
}
