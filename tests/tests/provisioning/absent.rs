//! A Docker Engine that stops answering is not one that says no.

use serde_json::json;
use tests::process::proxy::{Mood, Proxy};
use tests::process::{BOUND, eventually};

use crate::engine::Engine;
use crate::site::{Site, named};

#[tokio::test]
async fn an_engine_that_does_not_answer_makes_nobody_dead() {
    let proxy = Proxy::start();
    let Some(site) = Site::new(Engine::Docker, &[("DOCKER_HOST", &proxy.host())]).await else { return };
    let id = site.online(&json!({ "name": "bob", "command": "tr a-z A-Z" })).await;
    assert_eq!(site.finding(&id, "engine").await["ok"], true);

    proxy.set(Mood::Hang);
    assert_eq!(site.ask(&id, "hello").await, "HELLO", "messages need no engine");
    let told = site.finding(&id, "engine").await;
    assert_eq!(told["ok"], false, "{told}");
    assert!(told["says"].as_str().unwrap().contains("does not answer"), "{told}");
    let surveyed = async || site.platform.process.log().contains("no survey; nobody is taken for dead").then_some(());
    eventually("a survey went without an answer", BOUND, surveyed).await;

    proxy.set(Mood::HangUp);
    assert_eq!(site.get(&id, "logs").await.expect(503).code(), "engine_unreachable");
    let other = site.create(&named("alice")).await;
    let waits = async || (site.show(&other).await["status_reason"] == "engine_unreachable").then_some(());
    eventually("a start waits for the engine and says so", BOUND, waits).await;
    assert_eq!(site.show(&other).await["status"], "provisioning");
    let shown = site.show(&id).await;
    assert_eq!((&shown["status"], &shown["generation"]), (&json!("online"), &json!(1)));
    assert_eq!(site.ask(&id, "still there?").await, "STILL THERE?");

    proxy.set(Mood::PassOn);
    site.until_online(&other, 1).await;
    assert_eq!(site.finding(&id, "engine").await["ok"], true);
    // A death is heard again.
    site.kill_agent(&id);
    site.until_online(&id, 2).await;
}
