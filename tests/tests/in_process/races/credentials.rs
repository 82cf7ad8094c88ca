//! Credentials that change hands while they are used.

use std::time::Duration;

use platform::entropy::digest;
use rules::event::EventType;
use serde_json::{Value, json};
use tests::{ADMIN, Agent, Answer, World};

use super::{URL, each_seed, one_of, two};

/// A second token of the same runtime.
async fn second(world: &World, agent: &Agent) -> Agent {
    let minted = test_token(world, &agent.id).await.expect(200);
    Agent { id: agent.id.clone(), token: minted.body["auth_token"].as_str().unwrap().to_owned() }
}

async fn test_token(world: &World, id: &str) -> Answer {
    world.call("GET", &format!("/admin/workspaces/{id}/test-token"), Some(ADMIN), &Value::Null).await
}

async fn revoke(world: &World, agent: &Agent) -> Answer {
    let token = world.platform.store.token(&digest(&agent.token)).await.unwrap().unwrap();
    let path = format!("/workspaces/{}/tokens/{}", agent.id, token.id);
    world.call("DELETE", &path, Some(ADMIN), &Value::Null).await
}

/// A managed workspace that never had a token.
async fn legacy(world: &World) -> String {
    let made = world.call("POST", "/workspaces", Some(ADMIN), &json!({ "name": "legacy" })).await.expect(201);
    made.body["id"].as_str().unwrap().to_owned()
}

async fn register_with(world: &World, id: &str, token: Option<&str>) -> Answer {
    let body = json!({ "id": id, "url": URL, "agent_card": { "name": "agent" } });
    world.call("POST", "/registry/register", token, &body).await
}

async fn beat_without(world: &World, id: &str) -> Answer {
    world.call("POST", "/registry/heartbeat", None, &json!({ "workspace_id": id })).await
}

/// One beat that must look at the record: its lease is over, or it shows trouble.
fn slow_beat(world: &World, seed: u64) -> Value {
    if seed.is_multiple_of(2) {
        world.advance(Duration::from_secs(61));
        json!({})
    } else {
        json!({ "error_rate": 0.9 })
    }
}

#[tokio::test]
async fn a_revoked_token_renews_nothing_whatever_it_was_doing() {
    each_seed(async |world, seed| {
        let agent = world.online("a", URL).await;
        let other = second(world, &agent).await;
        let beat = slow_beat(world, seed);
        let [revoked, beaten] = two(world, seed, revoke(world, &agent), world.beat(&agent, &beat)).await;
        one_of(&revoked, &[200]);
        one_of(&beaten, &[200, 401]);
        world.sound(&agent.id).await;
        world.beat(&agent, &json!({})).await.expect(401);
        world.beat(&other, &json!({})).await.expect(200);
        world.sound(&agent.id).await;
    })
    .await;
}

#[tokio::test]
async fn a_register_with_a_token_that_is_revoked_meanwhile_keeps_nothing_alive() {
    each_seed(async |world, seed| {
        let agent = world.external("a").await;
        let [revoked, registered] = two(world, seed, revoke(world, &agent), world.register(&agent, URL)).await;
        one_of(&revoked, &[200]);
        one_of(&registered, &[200, 401]);
        let seen = world.sound(&agent.id).await;
        assert_eq!(seen.lease.is_some(), registered.status == 200);
        assert!(seen.lease.is_none_or(|lease| lease.digests.is_empty()));
        world.beat(&agent, &json!({})).await.expect(401);
        world.register(&agent, URL).await.expect(401);
        world.sound(&agent.id).await;
    })
    .await;
}

#[tokio::test]
async fn two_revokes_of_one_token_revoke_it_once() {
    each_seed(async |world, seed| {
        let agent = world.online("a", URL).await;
        let [one, other] = two(world, seed, revoke(world, &agent), revoke(world, &agent)).await;
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 404]);
        assert_eq!(world.sound(&agent.id).await.count(EventType::TokenRevoked), 1);
    })
    .await;
}

#[tokio::test]
async fn two_registers_with_one_token_are_one_arrival() {
    each_seed(async |world, seed| {
        let agent = world.external("a").await;
        let [one, other] = two(world, seed, world.register(&agent, URL), world.register(&agent, URL)).await;
        one_of(&one, &[200]);
        one_of(&other, &[200]);
        assert_eq!(world.sound(&agent.id).await.count(EventType::WorkspaceOnline), 1);
        world.beat(&agent, &json!({})).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn the_open_bootstrap_gives_exactly_one_token() {
    each_seed(async |world, seed| {
        let id = legacy(world).await;
        let (one, other) = (register_with(world, &id, None), register_with(world, &id, None));
        let answers = two(world, seed, one, other).await;
        let tokens: Vec<&str> = answers.iter().filter_map(|answer| answer.body["auth_token"].as_str()).collect();
        assert_eq!(tokens.len(), 1, "{answers:?}");
        answers.iter().for_each(|answer| one_of(answer, &[200, 401]));
        let seen = world.sound(&id).await;
        assert!(!seen.record.bootstrap_open);
        assert_eq!((seen.count(EventType::TokenIssued), seen.count(EventType::WorkspaceOnline)), (1, 1));
        beat_without(world, &id).await.expect(401);
        let agent = Agent { id, token: tokens[0].to_owned() };
        world.beat(&agent, &json!({})).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn heartbeats_without_a_token_end_with_the_first_one() {
    each_seed(async |world, seed| {
        let id = legacy(world).await;
        if seed & 4 == 0 {
            beat_without(world, &id).await.expect(200);
        }
        let [issued, beaten] = if seed % 2 == 0 {
            two(world, seed, register_with(world, &id, None), beat_without(world, &id)).await
        } else {
            two(world, seed, test_token(world, &id), beat_without(world, &id)).await
        };
        one_of(&issued, &[200]);
        one_of(&beaten, &[200, 401]);
        assert!(!world.sound(&id).await.record.bootstrap_open);
        beat_without(world, &id).await.expect(401);
        register_with(world, &id, None).await.expect(401);
        let token = issued.body["auth_token"].as_str().unwrap().to_owned();
        world.beat(&Agent { id, token }, &json!({})).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_reset_credential_is_exchanged_once() {
    each_seed(async |world, seed| {
        let agent = world.online("a", URL).await;
        let path = format!("/admin/workspaces/{}/reset-credentials", agent.id);
        let reset = world.call("POST", &path, Some(ADMIN), &Value::Null).await.expect(200);
        let boot = reset.body["boot_credential"].as_str();
        let (one, other) = (register_with(world, &agent.id, boot), register_with(world, &agent.id, boot));
        let answers = two(world, seed, one, other).await;
        let tokens: Vec<&str> = answers.iter().filter_map(|answer| answer.body["auth_token"].as_str()).collect();
        assert_eq!(tokens.len(), 1, "{answers:?}");
        answers.iter().for_each(|answer| one_of(answer, &[200, 401]));
        let seen = world.sound(&agent.id).await;
        assert_eq!(world.platform.store.tokens_of(seen.record.id).await.unwrap().len(), 1);
        world.beat(&agent, &json!({})).await.expect(401);
        let fresh = Agent { id: agent.id.clone(), token: tokens[0].to_owned() };
        world.beat(&fresh, &json!({})).await.expect(200);
    })
    .await;
}
