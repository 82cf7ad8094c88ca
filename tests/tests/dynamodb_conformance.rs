//! The DynamoDB that the platform relies on: the suite against the embedded engine, or against another endpoint.
//!
//! `CONFORMANCE_ENDPOINT_URL` names another endpoint, and `CONFORMANCE_SKIP` the checks, separated by commas, that
//! it is known not to pass.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at what it did not expect")]

use std::collections::HashMap;

use local::aws::{Clients, Endpoints};
use tests::conformance::dynamodb;

#[tokio::test]
async fn the_endpoint_behaves_as_the_platform_relies_on() {
    let skip = std::env::var("CONFORMANCE_SKIP").unwrap_or_default();
    let skip: Vec<&str> = skip.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    let running = local::start(local::Options::memory()).await.unwrap();
    let endpoints = match std::env::var("CONFORMANCE_ENDPOINT_URL") {
        Ok(url) => Endpoints { dynamodb: url.clone(), sqs: url },
        Err(_) => running.endpoints().clone(),
    };
    let clients = Clients::new(&endpoints, &HashMap::new(), platform::aws::http_client()).await;
    let results = dynamodb::run(&clients.dynamodb, &skip).await;
    let failed: Vec<_> =
        results.iter().filter_map(|(name, result)| result.as_ref().err().map(|why| format!("{name}: {why}"))).collect();
    println!("{} of {} checks passed", results.len() - failed.len(), dynamodb::names().count());
    assert!(failed.is_empty(), "{} checks failed:\n{}", failed.len(), failed.join("\n"));
    running.stop().await;
}
