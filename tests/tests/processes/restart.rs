//! Starting again on the same data.

use std::time::Duration;

use local::{Data, Options};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tests::process::{Home, Platform};
use tests::world;

const SOON: Duration = Duration::from_secs(10);

async fn stop(mut platform: Platform) {
    platform.process.signal(Signal::SIGTERM);
    assert_eq!(platform.process.ended(SOON).await.code, Some(0));
}

/// Every item of the table, read by a platform of this process.
async fn items(home: &Home) -> Vec<String> {
    let Options { variables, aws_endpoint, .. } = Options::from_variables(home.variables()).unwrap();
    let data = Data::Directory(home.data());
    let running = local::start(Options { data, variables, aws_endpoint, ..Options::memory() }).await.unwrap();
    let items = world::items(running.platform()).await;
    running.stop().await;
    items
}

#[tokio::test]
async fn a_second_start_changes_nothing() {
    let home = Home::new(&[]);
    let platform = home.start().await;
    let parent = platform.external("parent").await;
    let child = platform.external_below("child", Some(&parent.id)).await;
    let card = json!({ "id": child.id, "agent_card": { "name": "child" }, "delivery_mode": "poll" });
    platform.call("POST", "/registry/register", Some(&child.token), &card).await.expect(200);
    let patch = json!({ "name": "renamed" });
    platform.call("PATCH", &format!("/workspaces/{}", parent.id), None, &patch).await.expect(200);
    let token = std::fs::read_to_string(home.data().join("admin-token")).unwrap();
    stop(platform).await;

    let before = items(&home).await;
    assert!(before.len() >= 5, "workspaces, tokens, events and more: {before:#?}");
    for _ in 0..2 {
        stop(home.start().await).await;
        assert_eq!(items(&home).await, before);
    }
    assert_eq!(std::fs::read_to_string(home.data().join("admin-token")).unwrap(), token);
    let platform = home.start().await;
    assert_eq!(platform.show(&parent.id).await["name"], "renamed");
    let state = format!("/workspaces/{}/state", child.id);
    platform.call("GET", &state, Some(&child.token), &Value::Null).await.expect(200);
}
