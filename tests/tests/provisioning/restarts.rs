//! Restarts that many ask for at once, and what changes meanwhile.

use futures::future::join_all;
use serde_json::{Value, json};
use tests::process::{BOUND, eventually};

use crate::engine::Engine;
use crate::site::{Site, now, time_of};

/// Long enough for a whole storm to come within it.
const DEBOUNCE: (&str, &str) = ("RESTART_DEBOUNCE_SECONDS", "3");

/// Online, for longer than what would make a restart none.
async fn settled(site: &Site, body: &Value) -> String {
    let id = site.online(body).await;
    until_settled(site, &id).await;
    id
}

async fn until_settled(site: &Site, id: &str) {
    let begun =
        site.events(id).await.iter().rev().find(|event| event["event_type"] == "WORKSPACE_PROVISIONING").map(time_of);
    let settled = async || (now() - begun.unwrap() > std::time::Duration::from_secs(3)).then_some(());
    eventually("the last start is some time ago", BOUND, settled).await;
}

/// Twenty at once; gives the answers' `generation` and how many of them began one.
async fn storm(site: &Site, id: &str) -> (Vec<u64>, usize) {
    let asked = join_all((0..20).map(|_| site.post(id, "restart", &Value::Null))).await;
    let answers: Vec<_> = asked.into_iter().map(|answer| answer.expect(200).body).collect();
    let mut generations: Vec<_> = answers.iter().map(|answer| answer["generation"].as_u64().unwrap()).collect();
    generations.dedup();
    (generations, answers.iter().filter(|answer| answer["coalesced"] == false).count())
}

pub(crate) async fn a_storm_of_restarts_is_one(engine: Engine) {
    let Some(site) = Site::new(engine, &[DEBOUNCE]).await else { return };
    let id = settled(&site, &json!({ "name": "bob" })).await;
    assert_eq!(storm(&site, &id).await, (vec![2], 1), "one begins it, all others learn its number");
    site.until_online(&id, 2).await;
    // A later one is the next, so none came between.
    until_settled(&site, &id).await;
    assert_eq!(site.post(&id, "restart", &Value::Null).await.expect(200).body["generation"], 3);
    site.until_online(&id, 3).await;
    assert_eq!(site.ask(&id, "hello").await, "hello");
    assert_eq!(site.begun(&id).await, 3);
}

pub(crate) async fn a_change_amid_a_storm_is_one_more(engine: Engine) {
    let Some(site) = Site::new(engine, &[DEBOUNCE]).await else { return };
    let id = settled(&site, &json!({ "name": "bob", "command": "echo $TIER" })).await;
    assert_eq!(site.ask(&id, "").await.trim(), "2");
    let path = format!("/workspaces/{id}");
    site.post(&id, "restart", &Value::Null).await.expect(200);
    let patched = site.call("PATCH", &path, None, &json!({ "tier": 1 })).await.expect(200);
    assert_eq!(patched.body["needs_restart"], true);
    let (_, begun) = storm(&site, &id).await;
    assert_eq!(begun, 0, "all of them came while it started");
    site.until_online(&id, 3).await;
    until_settled(&site, &id).await;
    assert_eq!(site.ask(&id, "").await.trim(), "1", "it runs with what was changed");
    assert_eq!(site.begun(&id).await, 3);
}

pub(crate) async fn a_new_secret_is_in_the_next_generation(engine: Engine) {
    let Some(site) = Site::new(engine, &[]).await else { return };
    let id = site.online(&json!({ "name": "bob", "command": "echo \"<$GREETING>\"" })).await;
    assert_eq!(site.ask(&id, "").await.trim(), "<>");
    site.post(&id, "secrets", &json!({ "key": "GREETING", "value": "hello there" })).await.expect(200);
    site.until_online(&id, 2).await;
    assert_eq!(site.ask(&id, "").await.trim(), "<hello there>");
    assert_eq!(site.begun(&id).await, 2);
}
