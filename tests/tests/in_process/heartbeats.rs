//! Where heartbeats go.

use serde_json::{Value, json};
use tests::{Fault, World};

/// Told to agents at register, where there is one.
#[tokio::test]
async fn register_tells_where_heartbeats_go() {
    let url = "https://x.lambda-url.us-east-1.on.aws/registry/heartbeat";
    for (variables, told) in [(vec![], Value::Null), (vec![("HEARTBEAT_URL", url)], json!(url))] {
        let world = World::with(&variables).await;
        let alice = world.external("alice").await;
        let answer = world.register(&alice, "http://127.0.0.1:1").await.expect(200);
        assert_eq!(answer.body["heartbeat_url"], told);
    }
}

#[tokio::test]
async fn a_beat_that_meets_a_transaction_is_tried_again() {
    let world = World::new().await;
    let bob = world.online("bob", "http://127.0.0.1:9").await;
    world.beat(&bob, &json!({})).await.expect(200);
    world.gate.inject(|operation, number| (operation == "UpdateItem" && number == 1).then_some(Fault::Conflict));
    world.beat(&bob, &json!({})).await.expect(200);
    world.gate.heal();
    assert_eq!(world.gate.take_operations()[..2], ["UpdateItem", "UpdateItem"]);
}
