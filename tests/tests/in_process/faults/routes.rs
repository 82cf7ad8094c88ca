//! While the datastore is down: every route says so, changes nothing, and lets nobody in.

use tests::api::{Cast, assert_same, bearer};
use tests::{Fault, World};

use super::{FAULTS, from, once, unavailable};

/// They ask the datastore nothing.
const OPEN: [&str; 3] = ["GET /health", "GET /metrics", "GET /openapi.json"];

#[tokio::test]
async fn the_table_of_requests_has_every_route() {
    let cast = Cast::new().await;
    let mut listed: Vec<String> = cast.requests(&cast.own.id).iter().map(|request| request.key.to_owned()).collect();
    listed.sort();
    assert_eq!(listed, World::new().await.routes());
}

#[tokio::test]
async fn every_route_answers_503_and_changes_nothing_while_the_datastore_is_down() {
    let cast = Cast::new().await;
    let before = cast.world.table().await;
    for fault in [Fault::Timeout, Fault::Throttle, Fault::ServerError] {
        for request in cast.requests(&cast.own.id) {
            let told = format!("{} under {fault:?}", request.key);
            cast.world.gate.inject(from(1, fault));
            let answer = cast.send(&request, Some(&bearer(cast.right(&request)))).await;
            cast.world.gate.heal();
            if OPEN.contains(&request.key) {
                assert_ne!(answer.status, 503, "{told}");
                continue;
            }
            unavailable(&answer, &told);
            assert_same(&before, &cast.world.table().await, &told);
        }
    }
}

#[tokio::test]
async fn nobody_is_let_in_because_the_datastore_is_down() {
    let cast = Cast::new().await;
    let unknown = "no-token-of-anybody-0123456789012345678901";
    let before = cast.world.table().await;
    for fault in FAULTS {
        for request in cast.requests(&cast.own.id).iter().filter(|request| !OPEN.contains(&request.key)) {
            for token in [None, Some(unknown), Some(&cast.revoked), Some(&cast.revoked_org), Some(&cast.removed.token)]
            {
                let shown = token.map(bearer);
                cast.world.gate.inject(from(1, fault));
                let answer = cast.send(request, shown.as_deref()).await;
                cast.world.gate.heal();
                let told = format!("{} with {token:?} under {fault:?}: {}", request.key, answer.body);
                assert!([401, 503].contains(&answer.status), "{told}");
            }
        }
        assert_same(&before, &cast.world.table().await, "strangers");
    }
}

#[tokio::test]
async fn a_read_survives_one_fault_and_ends_in_503_under_many() {
    let cast = Cast::new().await;
    // A look into the inbox takes what it shows.
    let takes = |key: &str| key.contains("test-token") || key.ends_with("/inbox");
    let reads = |key: &str| key.starts_with("GET ") && !takes(key) && !OPEN.contains(&key);
    for request in cast.requests(&cast.own.id).iter().filter(|request| reads(request.key)) {
        let right = bearer(cast.right(request));
        cast.world.gate.take_operations();
        let expected = cast.send(request, Some(&right)).await.expect(request.served());
        for n in 1..=cast.world.gate.take_operations().len() {
            for fault in FAULTS {
                let told = format!("{} with {fault:?} at {n}", request.key);
                cast.world.gate.inject(once(n, fault));
                let answer = cast.send(request, Some(&right)).await;
                assert_eq!((answer.status, &answer.body), (request.served(), &expected.body), "{told}");
                cast.world.gate.inject(from(n, fault));
                unavailable(&cast.send(request, Some(&right)).await, &told);
                cast.world.gate.heal();
            }
        }
    }
}
