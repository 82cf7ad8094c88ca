//! The death of an agent: how soon it is known, and what follows.

use std::time::Duration;

use serde_json::json;
use tests::process::answer_text;

use crate::engine::Engine;
use crate::site::{Site, now, time_of};

/// By when the engine must have told a death.
const KNOWN_WITHIN: Duration = Duration::from_secs(2);

pub(crate) async fn an_agent_that_is_killed_is_replaced_and_answers_what_waited(engine: Engine) {
    let Some(site) = Site::new(engine, &[]).await else { return };
    let id = site.online(&json!({ "name": "bob", "command": "tr a-z A-Z" })).await;
    let first = site.instance(&id).unwrap();
    let killed = now();
    site.kill_agent(&id);
    let sent = site.send_to(&id, "are you there?").await;

    let offline = site.until_event(&id, "WORKSPACE_OFFLINE").await;
    let known = time_of(&offline).saturating_sub(killed);
    assert_eq!(offline["payload"]["reason"], "container_gone", "{offline}");
    let evidence = offline["payload"]["evidence"].as_str().unwrap();
    assert!(evidence.contains("exited with code 137 (killed by SIGKILL)"), "{evidence}");
    assert!(known < KNOWN_WITHIN, "the lease would have told it in a minute: {known:?}");

    site.until_online(&id, 2).await;
    let events = site.events(&id).await;
    let online = events.iter().rfind(|event| event["event_type"] == "WORKSPACE_ONLINE").unwrap();
    let back = time_of(online).saturating_sub(killed);
    eprintln!("{}: kill to offline {} ms, to online {} ms", engine.name(), known.as_millis(), back.as_millis());
    assert_ne!(site.instance(&id).unwrap(), first);
    assert_eq!(answer_text(&site.answer(sent).await), "ARE YOU THERE?");
    assert_eq!(site.ask(&id, "and now?").await, "AND NOW?");
    assert_eq!(site.begun(&id).await, 2, "created, and begun anew once");
}
