//! Starts: how long one takes, and what one that cannot be says.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::process::docker::IMAGE;
use tests::process::{BOUND, answer_text};

use crate::engine::Engine;
use crate::site::{Site, named};

/// By when a workspace must be online, on a machine that has nothing else to do.
const ONLINE_WITHIN: Duration = Duration::from_secs(3);

/// The image of nothing but the runtime.
pub(crate) async fn a_workspace_comes_online_soon(engine: Engine) {
    let Some(site) = Site::new(engine, &[("WORKSPACE_IMAGE", IMAGE)]).await else { return };
    let begun = Instant::now();
    let made = site.call("POST", "/workspaces", None, &named("bob")).await.expect(201).body;
    assert_eq!(made["status"], "provisioning");
    let id = made["id"].as_str().unwrap();
    site.until_online(id, 1).await;
    let took = begun.elapsed();
    eprintln!("{}: create to online {} ms", engine.name(), took.as_millis());
    assert!(took < ONLINE_WITHIN, "{took:?}");
    let told = site.events(id).await.into_iter().map(|event| event["event_type"].clone());
    let told: Vec<_> = told.filter(|kind| kind.as_str().unwrap().starts_with("WORKSPACE_")).collect();
    assert_eq!(told, ["WORKSPACE_PROVISIONING", "WORKSPACE_ONLINE"]);
    assert_eq!(site.finding(id, "engine").await["ok"], true);
    // Its first turn, by the command that needs no shell.
    let sent = site.send_to(id, "are you there?").await;
    assert_eq!(answer_text(&site.answer(sent).await), "are you there?");
    let logs = site.get(id, "logs").await.expect(200).text;
    assert!(logs.contains("registered") && !logs.contains(&site.boot_credential(id)), "{logs}");
}

/// An image that is nowhere; where there are no images, a directory that is nowhere.
pub(crate) async fn a_start_that_cannot_be_fails_and_says_why(engine: Engine) {
    let missing = [("WORKSPACE_IMAGES", "absent=nosuch-image:1")];
    let Some(site) = Site::new(engine, &missing).await else { return };
    let (body, reason, evidence, hint) = match engine {
        Engine::Process => (
            json!({ "name": "bob", "workspace_dir": "/does/not/exist", "workspace_access": "read_write" }),
            "provision_failed",
            "/does/not/exist",
            "restart",
        ),
        Engine::Docker => (
            json!({ "name": "bob", "runtime": "absent" }),
            "image_missing",
            "nosuch-image:1",
            "build or pull the image",
        ),
    };
    let id = site.create(&body).await;
    let shown = site.until_status(&id, "failed", BOUND).await;
    assert_eq!(shown["status_reason"], reason);
    let said = |field: &str| shown["status_reasons"][0][field].as_str().unwrap().to_owned();
    assert!(said("evidence").contains(evidence), "{shown}");
    assert!(said("hint").contains(hint), "{shown}");
    let summary = site.get(&id, "explain").await.expect(200).body["summary"].take();
    assert!(summary.as_str().unwrap().contains(evidence), "{summary}");
    assert_eq!(site.instance(&id), None);
    // Mended, a restart brings it up.
    let work = site.home.folder().join("work");
    std::fs::create_dir(&work).unwrap();
    let mended = match engine {
        Engine::Process => json!({ "workspace_dir": work, "workspace_access": "read_write" }),
        Engine::Docker => json!({ "runtime": "langgraph" }),
    };
    site.call("PATCH", &format!("/workspaces/{id}"), None, &mended).await.expect(200);
    site.post(&id, "restart", &Value::Null).await.expect(200);
    site.until_online(&id, 2).await;
}
