//! The incidents that must never happen again, by their names in the contract.

use std::time::Duration;

use serde_json::{Value, json};
use tests::World;

const URL: &str = "http://127.0.0.1:9/";

fn codes(shown: &Value) -> Vec<&str> {
    shown["status_reasons"].as_array().unwrap().iter().map(|reason| reason["code"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn restart_with_existing_card_recovers_in_one_heartbeat() {
    let world = World::new().await;
    let agent = world.online("a", URL).await;
    world.register(&agent, "http://212851b5693d:8000").await.expect(400);
    world.beat(&agent, &json!({})).await.expect(200);
    let shown = world.show(&agent.id).await;
    assert_eq!(shown["status"], "degraded");
    assert_eq!(codes(&shown), ["register_failed"]);

    world.advance(Duration::from_secs(50));
    world.beat(&agent, &json!({})).await.expect(200);
    world.advance(Duration::from_secs(50));
    assert_eq!(world.show(&agent.id).await["status"], "degraded");
    let card = json!({ "agent_card": { "name": "again" } });
    let answer = world.beat(&agent, &card).await.expect(200);
    assert_eq!(answer.body["workspace_status"], "online");
    let shown = world.show(&agent.id).await;
    assert_eq!(shown["status"], "online");
    assert_eq!(shown["last_register_failure_at"], Value::Null);
    assert_eq!(world.events(&agent.id).await.last().unwrap(), "WORKSPACE_ONLINE");
}

#[tokio::test]
async fn heartbeat_never_overwrites_a_stored_card() {
    let world = World::new().await;
    let agent = world.online("a", URL).await;
    let before = world.show(&agent.id).await["agent_card"].clone();
    world.beat(&agent, &json!({ "agent_card": { "name": "impostor" } })).await.expect(200);
    assert_eq!(world.show(&agent.id).await["agent_card"], before);
}

#[tokio::test]
async fn url_check_stays_strict() {
    let world = World::with(&[("MOLECULE_ENV", "production")]).await;
    let agent = world.external("a").await;
    let body = |url: &str| json!({ "id": agent.id, "url": url, "agent_card": { "name": "a" } });
    for (url, reason) in [
        ("http://212851b5693d:8000", "dns"),
        ("http://127.0.0.1:8000", "blocked_range:loopback"),
        ("http://169.254.169.254/", "blocked_range:link-local"),
        ("http://10.0.0.7:8000", "blocked_range:private"),
        ("ftp://example.com/", "scheme"),
        ("", "url_required_for_push"),
    ] {
        let answer = world.call("POST", "/registry/register", Some(&agent.token), &body(url)).await;
        if url.is_empty() {
            // An external agent without a URL is in poll mode; push must be asked for to be refused.
            assert_eq!(answer.status, 200, "{}", answer.body);
            continue;
        }
        assert_eq!(answer.status, 400, "{url}");
        let told = answer.body["reason"].as_str().unwrap();
        assert!(told.starts_with(reason.split(':').next().unwrap()), "{url}: {told}");
        assert!(!answer.body["error"].as_str().unwrap().contains("169.254"), "the address is not repeated");
    }
}

#[tokio::test]
async fn a_refused_url_leaves_the_last_good_one() {
    let world = World::new().await;
    let agent = world.online("a", URL).await;
    world.register(&agent, "http://169.254.169.254/").await.expect(400);
    assert_eq!(world.show(&agent.id).await["url"], URL);
}

#[tokio::test]
async fn unauthenticated_failure_stamps_nothing() {
    let world = World::new().await;
    let agent = world.online("a", URL).await;
    let before = world.table().await;
    let body = json!({ "id": agent.id, "url": "http://212851b5693d:8000", "agent_card": { "name": "x" } });
    world.call("POST", "/registry/register", None, &body).await.expect(401);
    world.call("POST", "/registry/register", Some("not-a-token-of-anybody"), &body).await.expect(401);
    let other = world.table().await;
    assert_eq!(before, other);
}

#[tokio::test]
async fn register_401_shows_degraded_not_online() {
    let world = World::new().await;
    let agent = world.online("a", URL).await;
    let failing = json!({ "register_state": { "ok": false, "last_code": 401, "attempts": 7 } });
    world.beat(&agent, &failing).await.expect(200);
    assert_eq!(world.show(&agent.id).await["status"], "online");
    world.advance(Duration::from_secs(40));
    world.beat(&agent, &failing).await.expect(200);
    world.advance(Duration::from_secs(30));
    world.beat(&agent, &failing).await.expect(200);
    let shown = world.show(&agent.id).await;
    assert_eq!((shown["status"].as_str(), codes(&shown)), (Some("degraded"), vec!["auth_failing"]));
    assert!(shown["status_reasons"][0]["hint"].as_str().unwrap().contains("reset-credentials"));
    assert_eq!(shown["health"]["registration"]["state"], "failing");
}

#[tokio::test]
async fn a_revoked_token_of_its_own_degrades_after_a_minute() {
    let world = World::new().await;
    let agent = world.online("a", URL).await;
    let path = format!("/admin/workspaces/{}/test-token", agent.id);
    let minted = world.call("GET", &path, Some(tests::ADMIN), &Value::Null).await.expect(200);
    let second = tests::Agent { id: agent.id.clone(), token: minted.body["auth_token"].as_str().unwrap().to_owned() };
    let listed = world.call("GET", &format!("/workspaces/{}/tokens", agent.id), Some(tests::ADMIN), &Value::Null).await;
    let first = listed.body["tokens"]
        .as_array()
        .unwrap()
        .iter()
        .find(|token| agent.token.starts_with(token["prefix"].as_str().unwrap()))
        .unwrap();
    let path = format!("/workspaces/{}/tokens/{}", agent.id, first["id"].as_str().unwrap());
    world.call("DELETE", &path, Some(tests::ADMIN), &Value::Null).await.expect(200);
    for _ in 0..4 {
        world.register(&agent, URL).await.expect(401);
        world.beat(&agent, &json!({})).await.expect(401);
        world.beat(&second, &json!({})).await.expect(200);
        world.advance(Duration::from_secs(25));
    }
    let shown = world.show(&agent.id).await;
    assert_eq!((shown["status"].as_str(), codes(&shown)), (Some("degraded"), vec!["auth_failing"]));
}

#[tokio::test]
async fn stale_poll_mode_heals_at_register() {
    let world = World::new().await;
    let agent = world.external("a").await;
    let poll = json!({ "id": agent.id, "agent_card": { "name": "a" }, "delivery_mode": "poll" });
    world.call("POST", "/registry/register", Some(&agent.token), &poll).await.expect(200);
    assert_eq!(world.show(&agent.id).await["delivery_mode"], "poll");
    let answer = world.register(&agent, URL).await.expect(200);
    assert_eq!(answer.body["delivery_mode"], "push");
    assert!(world.events(&agent.id).await.contains(&"DELIVERY_MODE_CHANGED".to_owned()));
}

#[tokio::test]
async fn lost_token_recovers_by_reset_credentials() {
    let world = World::new().await;
    let agent = world.online("a", URL).await;
    let path = format!("/admin/workspaces/{}/reset-credentials", agent.id);
    let reset = world.call("POST", &path, Some(tests::ADMIN), &Value::Null).await.expect(200);
    let boot = tests::Agent { id: agent.id.clone(), token: reset.body["boot_credential"].as_str().unwrap().to_owned() };
    let answer = world.register(&boot, URL).await.expect(200);
    let fresh = tests::Agent { id: agent.id.clone(), token: answer.body["auth_token"].as_str().unwrap().to_owned() };
    world.beat(&fresh, &json!({})).await.expect(200);
    world.beat(&agent, &json!({})).await.expect(401);
    world.register(&boot, URL).await.expect(401);
}

#[tokio::test]
async fn kill_dash_nine_shows_offline_without_a_sweep_and_comes_back_twice() {
    let world = World::new().await;
    let agent = world.online("a", URL).await;
    for _ in 0..2 {
        world.advance(Duration::from_secs(61));
        let shown = world.show(&agent.id).await;
        assert_eq!((shown["status"].as_str(), codes(&shown)), (Some("offline"), vec!["heartbeat_lost"]));
        assert_ne!(world.events(&agent.id).await.last().unwrap(), "WORKSPACE_OFFLINE");
        world.sweep().await;
        assert_eq!(world.events(&agent.id).await.last().unwrap(), "WORKSPACE_OFFLINE");
        assert_eq!(world.show(&agent.id).await["status"], "offline");
        world.sweep().await;
        let events = world.events(&agent.id).await;
        assert_ne!(events[events.len() - 2], "WORKSPACE_OFFLINE", "one change, one event");
        world.beat(&agent, &json!({})).await.expect(200);
        assert_eq!(world.show(&agent.id).await["status"], "online");
        assert_eq!(world.events(&agent.id).await.last().unwrap(), "WORKSPACE_ONLINE");
    }
}

#[tokio::test]
async fn a_steady_heartbeat_is_one_request() {
    let world = World::new().await;
    let agent = world.online("a", URL).await;
    world.beat(&agent, &json!({})).await.expect(200);
    world.sweep().await;
    world.settle().await;
    for beat in [
        json!({}),
        json!({ "active_tasks": 1, "current_task": "x" }),
        json!({ "agent_card": { "name": "a" }, "monthly_spend": 12, "register_state": { "ok": true, "last_code": 200 } }),
    ] {
        world.gate.take_operations();
        world.beat(&agent, &beat).await.expect(200);
        assert_eq!(world.gate.take_operations(), ["UpdateItem"], "{beat}");
    }
}

#[tokio::test]
async fn a_lease_that_ttl_collected_during_an_outage_still_gets_its_event() {
    let world = World::new().await;
    let agent = world.online("a", URL).await;
    world.sweep().await;
    let id: rules::WorkspaceId = agent.id.parse().unwrap();
    world.platform.store.transaction().delete_lease(id).commit().await.unwrap();
    world.advance(Duration::from_secs(7200));
    world.sweep().await;
    assert_eq!(world.events(&agent.id).await.last().unwrap(), "WORKSPACE_OFFLINE");
    assert_eq!(codes(&world.show(&agent.id).await), ["heartbeat_lost"]);
}

#[tokio::test]
async fn when_most_leases_end_at_once_the_first_sweep_suspects_the_platform() {
    let world = World::new().await;
    let mut agents = Vec::new();
    for number in 0..10 {
        agents.push(world.online(&format!("a{number}"), URL).await);
    }
    world.sweep().await;
    world.advance(Duration::from_secs(61));
    world.sweep().await;
    let liveness = world.call("GET", "/admin/liveness", Some(tests::ADMIN), &Value::Null).await.expect(200);
    assert_eq!(liveness.body["control_plane_suspect"], true);
    assert_ne!(world.events(&agents[0].id).await.last().unwrap(), "WORKSPACE_OFFLINE");
    assert_eq!(world.show(&agents[0].id).await["status"], "offline", "the truth is told all the same");
    world.advance(Duration::from_secs(60));
    world.sweep().await;
    for agent in &agents {
        assert_eq!(world.events(&agent.id).await.last().unwrap(), "WORKSPACE_OFFLINE");
    }
}

#[tokio::test]
async fn lost_token_recovers_without_an_operator() {
    let world = World::new().await;
    let body = json!({ "name": "managed" });
    let made = world.call("POST", "/workspaces", Some(tests::ADMIN), &body).await.expect(201);
    let id: rules::WorkspaceId = made.body["id"].as_str().unwrap().parse().unwrap();
    // As a provisioner does it: a credential that the container brings with it, good for its whole generation.
    let secret = world.platform.entropy.secret();
    let boot = rules::credential::BootCredential {
        workspace_id: id,
        generation: 1,
        digest: platform::entropy::digest(&secret),
        once: false,
        ends_at: None,
        exchanged_for: None,
    };
    world.platform.store.transaction().issue_boot(&boot).commit().await.unwrap();
    let container = tests::Agent { id: id.to_string(), token: secret };
    let mut before: Option<tests::Agent> = None;
    for start in 0..3 {
        // Each boot of the container has lost the token of the boot before.
        let answer = world.register(&container, URL).await.expect(200);
        let fresh = tests::Agent { id: id.to_string(), token: answer.body["auth_token"].as_str().unwrap().to_owned() };
        world.beat(&fresh, &json!({})).await.expect(200);
        assert_eq!(world.show(&container.id).await["status"], "online", "start {start}");
        if let Some(old) = before.replace(fresh) {
            world.beat(&old, &json!({})).await.expect(401);
        }
    }
    let listed = world.call("GET", &format!("/workspaces/{id}/tokens"), Some(tests::ADMIN), &Value::Null).await;
    assert_eq!(listed.body["count"], 1, "each exchange revokes the token of the one before");
}
