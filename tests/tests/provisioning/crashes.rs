//! A runtime that dies as often as it is started.

use serde_json::json;
use tests::process::BOUND;
use tests::process::docker::{docker, shell_image};

use crate::engine::Engine;
use crate::site::{Site, time_of};

/// A turn that kills its own runtime, and is delivered again to the next one.
const POISON: &str = "echo last words > /proc/$PPID/fd/2; kill -9 $PPID";

pub(crate) async fn a_runtime_that_dies_each_time_is_given_up_with_its_last_words(engine: Engine) {
    let variables = [
        ("RESTART_BACKOFF_SECONDS", "1"),
        ("MAX_RESTART_ATTEMPTS", "2"),
        ("WORKSPACE_IMAGES", "exits=molecule-workspace-test:provisioning-exits"),
    ];
    let Some(site) = Site::new(engine, &variables).await else { return };
    let (id, code) = match engine {
        Engine::Process => {
            let id = site.online(&json!({ "name": "bob", "command": POISON })).await;
            site.send_to(&id, "die").await.expect(202);
            (id, "code 137")
        }
        Engine::Docker => {
            shell_image("provisioning-exits", "echo last words; exit 3");
            (site.create(&json!({ "name": "bob", "runtime": "exits" })).await, "code 3")
        }
    };
    let shown = site.until_status(&id, "failed", BOUND).await;
    assert_eq!((&shown["status_reason"], &shown["generation"]), (&json!("crash_loop"), &json!(3)));
    let evidence = shown["status_reasons"][0]["evidence"].as_str().unwrap();
    assert!(evidence.starts_with("3 deaths in a row"), "{evidence}");
    assert!(evidence.contains(code) && evidence.contains("last words"), "{evidence}");

    let events = site.events(&id).await;
    let times =
        |kind: &str| -> Vec<_> { events.iter().filter(|event| event["event_type"] == kind).map(time_of).collect() };
    let (deaths, starts) = (times("WORKSPACE_OFFLINE"), times("WORKSPACE_PROVISIONING"));
    assert_eq!((deaths.len(), starts.len()), (2, 3), "{events:?}");
    let pauses = [starts[1] - deaths[0], starts[2] - deaths[1]].map(|pause| pause.as_millis());
    assert!(pauses[0] < 1000 && pauses[1] >= 1000, "the first at once, the second after a second: {pauses:?}");
    assert_eq!(site.instance(&id), None);
    // Its log is still there to be read.
    assert!(site.get(&id, "logs").await.expect(200).text.contains("last words"));
    if engine == Engine::Docker {
        assert_ne!(docker(&["ps", "-aq", "--filter", &format!("label=molecule.workspace={id}")]), "");
    }
}
