//! The SQS that the platform relies on: the suite against the embedded engine, or against another endpoint.
//!
//! `CONFORMANCE_ENDPOINT_URL` names another endpoint, and `CONFORMANCE_SKIP` the checks, separated by commas, that
//! it is known not to pass.

use tests::conformance::sqs;

#[tokio::test]
async fn the_endpoint_behaves_as_the_platform_relies_on() {
    let skip = std::env::var("CONFORMANCE_SKIP").unwrap_or_default();
    let skip: Vec<&str> = skip.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    let unknown: Vec<_> = skip.iter().filter(|name| !sqs::names().any(|known| known == **name)).collect();
    assert!(unknown.is_empty(), "CONFORMANCE_SKIP names checks that do not exist: {unknown:?}");

    let results = match std::env::var("CONFORMANCE_ENDPOINT_URL") {
        Ok(endpoint) => sqs::run(&sqs::client(&endpoint), &skip).await,
        Err(_) => {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let server = local::sqs::Server::start(listener, local::sqs::system_clock()).unwrap();
            let results = sqs::run(&sqs::client(server.endpoint()), &skip).await;
            server.shutdown().await;
            results
        }
    };

    let failed: Vec<_> =
        results.iter().filter_map(|(name, result)| result.as_ref().err().map(|why| format!("{name}: {why}"))).collect();
    println!("{} of {} checks passed, {} skipped", results.len() - failed.len(), results.len(), skip.len());
    assert!(failed.is_empty(), "{} checks failed:\n{}", failed.len(), failed.join("\n"));
}
