//! Workspaces that are stopped on purpose and come back, and a platform that does.

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tests::process::BOUND;

use crate::engine::Engine;
use crate::site::{Site, named};

pub(crate) async fn a_pause_stops_all_below_and_a_resume_starts_them(engine: Engine) {
    let Some(site) = Site::new(engine, &[]).await else { return };
    let parent = site.online(&named("parent")).await;
    let child = site.online(&json!({ "name": "child", "parent_id": parent })).await;
    let paused = site.post(&parent, "pause", &Value::Null).await.expect(200);
    assert_eq!(paused.body, json!({ "status": "paused", "paused_count": 2 }));
    for id in [&parent, &child] {
        site.until_stopped(id).await;
        assert_eq!(site.show(id).await["status"], "paused");
    }
    assert_eq!(site.post(&child, "resume", &Value::Null).await.expect(409).code(), "ancestor_paused");
    let sent = site.send_to(&child, "later").await;
    assert!(matches!(sent.status, 202 | 409 | 503), "{}", sent.text);
    let resumed = site.post(&parent, "resume", &Value::Null).await.expect(200);
    assert_eq!(resumed.body["resumed_count"], 2);
    for id in [&parent, &child] {
        site.until_online(id, 2).await;
    }
    if sent.status == 202 {
        assert_eq!(tests::process::answer_text(&site.answer(sent).await), "later", "what waited is answered");
    }
    assert_eq!(site.ask(&child, "hello").await, "hello");
}

pub(crate) async fn a_message_wakes_a_hibernated_workspace(engine: Engine) {
    let Some(site) = Site::new(engine, &[]).await else { return };
    // Its files outlast its sleep.
    let command = "cat kept 2> /dev/null; cat > kept";
    let command = if engine == Engine::Docker { format!("cd /workspace; {command}") } else { command.to_owned() };
    let id = site.online(&json!({ "name": "bob", "command": command })).await;
    assert_eq!(site.ask(&id, "first").await, "");
    site.post(&id, "hibernate", &Value::Null).await.expect(200);
    site.until_status(&id, "hibernated", BOUND).await;
    assert_eq!(site.instance(&id), None, "nothing runs");
    assert_eq!(site.ask(&id, "second").await, "first");
    let shown = site.until_online(&id, 2).await;
    assert_eq!(shown["status_reasons"], json!([]));
    assert!(site.instance(&id).is_some());
}

pub(crate) async fn a_platform_that_was_killed_finds_its_workspaces_again(engine: Engine) {
    let Some(mut site) = Site::new(engine, &[]).await else { return };
    let id = site.online(&json!({ "name": "bob", "command": "tr a-z A-Z" })).await;
    let instance = site.instance(&id).unwrap();
    site.kill_platform();
    assert_eq!(site.instance(&id).as_ref(), Some(&instance), "it runs without a platform");
    site.start_platform().await;
    assert_eq!(site.ask(&id, "hello").await, "HELLO");
    let shown = site.until_online(&id, 1).await;
    assert_eq!(shown["status_reasons"], json!([]));
    assert_eq!(site.instance(&id), Some(instance), "the same one");
    assert_eq!(site.finding(&id, "engine").await["ok"], true);
    // It is not only known, but watched and in hand.
    site.kill_agent(&id);
    site.until_online(&id, 2).await;
    site.post(&id, "pause", &Value::Null).await.expect(200);
    site.until_stopped(&id).await;
}

pub(crate) async fn a_platform_that_is_stopped_kills_nobody(engine: Engine) {
    let Some(mut site) = Site::new(engine, &[]).await else { return };
    let id = site.online(&named("bob")).await;
    for round in 1..=2 {
        site.platform.process.signal(Signal::SIGTERM);
        assert_eq!(site.platform.process.ended(BOUND).await.code, Some(0));
        site.start_platform().await;
        // Children end with their platform and start anew; containers run on.
        site.until_online(&id, if engine == Engine::Process { round + 1 } else { 1 }).await;
    }
    let told = site.events(&id).await;
    let offline: Vec<_> = told.iter().filter(|event| event["event_type"] == "WORKSPACE_OFFLINE").collect();
    assert_eq!(offline.len(), if engine == Engine::Process { 2 } else { 0 }, "{offline:?}");
    assert!(offline.iter().all(|event| event["payload"]["deaths"] == 0), "{offline:?}");
}
