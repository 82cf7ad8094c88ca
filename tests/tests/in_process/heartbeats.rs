//! Where heartbeats go.

use serde_json::{Value, json};
use tests::World;

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
