//! Credentials of managed workspaces: what an older generation has is worth nothing, and what is lost comes back.

use serde_json::{Value, json};
use tests::Agent;
use tests::process::docker::docker;
use tests::process::{BOUND, eventually};

use crate::engine::Engine;
use crate::site::{Site, named};

/// A workspace is online a moment before its runtime has written its token down.
async fn kept_token(site: &Site, id: &str) -> String {
    eventually("the token is kept", BOUND, async || site.token(id)).await
}

pub(crate) async fn an_old_generation_gets_nothing(engine: Engine) {
    let Some(site) = Site::new(engine, &[]).await else { return };
    let (id, sibling) = (site.online(&named("bob")).await, site.online(&named("alice")).await);
    let zombie = Agent { id: id.clone(), token: kept_token(&site, &id).await };
    let boot = site.boot_credential(&id);
    let beat = json!({ "workspace_id": id, "error_rate": 0, "active_tasks": 0, "uptime_seconds": 1 });
    let beats = async |token: &str| site.call("POST", "/registry/heartbeat", Some(token), &beat).await;
    let register = json!({ "id": id, "url": "http://127.0.0.1:1", "agent_card": { "name": "zombie" } });
    let registers = async |token: &str| site.call("POST", "/registry/register", Some(token), &register).await;
    beats(&zombie.token).await.expect(200);
    site.send(&zombie, &sibling, &tests::process::message("hello", None)).await.expect(200);

    site.post(&id, "restart", &Value::Null).await.expect(200);
    for after in ["while the next one starts", "when it is online"] {
        let told = beats(&zombie.token).await.expect(409);
        assert_eq!((told.code(), &told.body["shutdown"]), ("stale_generation", &json!(true)), "{after}");
        assert_eq!(registers(&boot).await.expect(409).code(), "stale_generation", "{after}");
        let registered = registers(&zombie.token).await;
        assert!(matches!(registered.status, 401 | 409), "{after}: {}", registered.text);
        let refused = site.send(&zombie, &sibling, &tests::process::message("I am bob", None)).await;
        assert_eq!(refused.status, 401, "{after}: {}", refused.text);
        for path in ["inbox", "secrets/values"] {
            let refused =
                site.call("GET", &format!("/workspaces/{id}/{path}"), Some(&zombie.token), &Value::Null).await;
            assert!(matches!(refused.status, 401 | 409), "{after}, {path}: {}", refused.text);
        }
        site.until_online(&id, 2).await;
    }
    let shown = site.show(&id).await;
    assert_ne!(shown["agent_card"]["name"], "zombie");
    assert_eq!(site.ask(&id, "hello").await, "hello", "the one that is meant works");
}

/// Incident A.
pub(crate) async fn lost_token_recovers_without_an_operator(engine: Engine) {
    let Some(mut site) = Site::new(engine, &[]).await else { return };
    let id = site.online(&named("bob")).await;
    let lost = kept_token(&site, &id).await;
    site.remove_token(&id);
    let generation = match engine {
        // Nothing restarts a process in its place: the next generation finds no token.
        Engine::Process => {
            site.kill_agent(&id);
            2
        }
        // The container as it is, with the boot credential that it had, while no platform looks.
        Engine::Docker => {
            site.kill_platform();
            restart_container(&site, &id);
            site.start_platform().await;
            1
        }
    };
    let saved = async || site.token(&id).filter(|token| *token != lost);
    eventually("it has a token again", BOUND, saved).await;
    let shown = site.until_online(&id, generation).await;
    assert_eq!(shown["status_reasons"], json!([]));
    assert_eq!(site.ask(&id, "hello").await, "hello", "and it is not deaf");
    let refused = site.call("GET", &format!("/workspaces/{id}/state"), Some(&lost), &Value::Null).await;
    assert_eq!(refused.status, 401, "the lost one is worth nothing");
}

/// Incident B: it comes back with its container's own hostname for an address, and its card is there already.
pub(crate) async fn restart_under_its_own_hostname_is_not_degraded(engine: Engine) {
    let Some(site) = Site::new(engine, &[]).await else { return };
    let id = site.online(&named("bob")).await;
    let card = site.show(&id).await["agent_card"].clone();
    assert_ne!(card, Value::Null);
    match engine {
        Engine::Process => site.kill_agent(&id),
        Engine::Docker => {
            let hostname = docker(&["inspect", "--format", "{{.Config.Hostname}}", &site.instance(&id).unwrap()]);
            assert!(card["url"].as_str().unwrap().contains(&hostname), "{card}");
            restart_container(&site, &id);
        }
    }
    // Either it was seen to be down, and is another one, or it is the same one that registered twice.
    let again = async || {
        let logs = site.get(&id, "logs").await;
        let registered = logs.text.matches("registered workspace").count();
        (site.show(&id).await["generation"] != 1 || registered > 1).then_some(())
    };
    eventually("it has come back", BOUND, again).await;
    // Its address is noted once the engine has said that it runs, which may be after its register.
    let addressed = async || {
        let shown = site.show(&id).await;
        let address = shown["url"].as_str().unwrap_or_default().to_owned();
        (shown["status"] == "online" && !address.is_empty()).then_some((shown, address))
    };
    let (shown, address) = eventually("it is online at an address", BOUND, addressed).await;
    assert_eq!(shown["status_reasons"], json!([]));
    assert_eq!(shown["last_register_failure_at"], Value::Null);
    assert!(address.starts_with("http://127.0.0.1:"), "{shown}");
    assert_eq!(site.ask(&id, "hello").await, "hello");
    let degraded = site.events(&id).await.iter().any(|event| event["event_type"] == "WORKSPACE_DEGRADED");
    assert!(!degraded, "not for a moment");
}

fn restart_container(site: &Site, id: &str) {
    docker(&["restart", "--time", "2", &site.instance(id).unwrap()]);
}
