//! Tokens: issued and revoked whole or not at all.

use platform::entropy::digest;
use rules::event::EventType;
use serde_json::{Value, json};
use tests::{ADMIN, Agent, Answer, World};

use super::every_request::{Operation, whole_or_not_at_all};

const URL: &str = "http://127.0.0.1:9/";

async fn live(world: &World, id: &str) -> usize {
    world.platform.store.tokens_of(id.parse().unwrap()).await.unwrap().len()
}

/// Any of the routes that issue a token of an external workspace.
struct Issue {
    method: &'static str,
    route: &'static str,
    ok: u16,
}

impl Issue {
    async fn all() {
        for (method, route, ok) in [
            ("POST", "/workspaces/{id}/tokens", 201),
            ("GET", "/admin/workspaces/{id}/test-token", 200),
            ("POST", "/admin/workspaces/{id}/test-token", 200),
        ] {
            whole_or_not_at_all(Self { method, route, ok }).await;
        }
    }
}

impl Operation for Issue {
    type Subject = Agent;
    const OK: u16 = 200;
    const AGAIN: &[u16] = &[];

    async fn subject(&self, world: &World) -> Agent {
        world.external("a").await
    }

    async fn run(&self, world: &World, agent: &Agent) -> Answer {
        let path = self.route.replace("{id}", &agent.id);
        let mut answer = world.call(self.method, &path, Some(ADMIN), &Value::Null).await;
        if answer.status == self.ok {
            answer.status = Self::OK;
        }
        answer
    }

    async fn traces(&self, world: &World, agent: &Agent) -> Vec<bool> {
        let seen = world.sound(&agent.id).await;
        // An answer that was lost may have issued one before.
        vec![seen.count(EventType::TokenIssued) > 0, live(world, &agent.id).await > 1]
    }
}

#[tokio::test]
async fn a_token_is_issued_whole() {
    Issue::all().await;
}

struct Revoke;

impl Operation for Revoke {
    type Subject = (Agent, String);
    const OK: u16 = 200;
    const AGAIN: &[u16] = &[404];

    async fn subject(&self, world: &World) -> Self::Subject {
        let agent = world.online("a", URL).await;
        let token = world.platform.store.token(&digest(&agent.token)).await.unwrap().unwrap();
        let path = format!("/workspaces/{}/tokens/{}", agent.id, token.id);
        (agent, path)
    }

    async fn run(&self, world: &World, (_, path): &Self::Subject) -> Answer {
        world.call("DELETE", path, Some(ADMIN), &Value::Null).await
    }

    async fn traces(&self, world: &World, (agent, _): &Self::Subject) -> Vec<bool> {
        let seen = world.sound(&agent.id).await;
        let row = world.platform.store.token(&digest(&agent.token)).await.unwrap().unwrap();
        let off = seen.lease.is_none_or(|lease| lease.digests.is_empty());
        let events: Vec<_> = seen.events.iter().filter(|event| event.event_type == EventType::TokenRevoked).collect();
        vec![!row.is_live(), live(world, &agent.id).await == 0, off, events.len() == 1]
    }
}

#[tokio::test]
async fn a_token_is_revoked_whole() {
    whole_or_not_at_all(Revoke).await;
}

/// The first register of a workspace that never had a token. Its answer is the only copy of the token: when it is lost,
/// the operator resets the credentials.
struct Bootstrap;

impl Operation for Bootstrap {
    type Subject = Agent;
    const OK: u16 = 200;
    const AGAIN: &[u16] = &[401];

    async fn subject(&self, world: &World) -> Agent {
        let made = world.call("POST", "/workspaces", Some(ADMIN), &json!({ "name": "legacy" })).await.expect(201);
        Agent { id: made.body["id"].as_str().unwrap().to_owned(), token: String::new() }
    }

    async fn run(&self, world: &World, agent: &Agent) -> Answer {
        let body = json!({ "id": agent.id, "url": URL, "agent_card": { "name": "agent" } });
        world.call("POST", "/registry/register", None, &body).await
    }

    async fn traces(&self, world: &World, agent: &Agent) -> Vec<bool> {
        let seen = world.sound(&agent.id).await;
        vec![
            !seen.record.bootstrap_open,
            live(world, &agent.id).await == 1,
            seen.count(EventType::WorkspaceOnline) == 1,
            seen.lease.is_some_and(|lease| lease.digests.len() == 1),
        ]
    }
}

#[tokio::test]
async fn the_first_token_is_whole() {
    whole_or_not_at_all(Bootstrap).await;
}

/// The exchange of an operator's one-time credential.
struct Exchange;

impl Operation for Exchange {
    type Subject = (Agent, Agent);
    const OK: u16 = 200;
    const AGAIN: &[u16] = &[401];

    async fn subject(&self, world: &World) -> Self::Subject {
        let agent = world.online("a", URL).await;
        let path = format!("/admin/workspaces/{}/reset-credentials", agent.id);
        let reset = world.call("POST", &path, Some(ADMIN), &Value::Null).await.expect(200);
        let token = reset.body["boot_credential"].as_str().unwrap().to_owned();
        (agent.clone(), Agent { id: agent.id, token })
    }

    async fn run(&self, world: &World, (_, boot): &Self::Subject) -> Answer {
        world.register(boot, URL).await
    }

    async fn traces(&self, world: &World, (agent, _): &Self::Subject) -> Vec<bool> {
        let seen = world.sound(&agent.id).await;
        let old = world.platform.store.token(&digest(&agent.token)).await.unwrap().unwrap();
        assert_eq!(live(world, &agent.id).await, 1);
        let renewable = seen.lease.as_ref().is_some_and(|lease| lease.digests.contains_key(&old.digest));
        vec![!old.is_live(), !renewable, seen.count(EventType::TokenIssued) == 1]
    }
}

#[tokio::test]
async fn an_exchange_is_whole() {
    whole_or_not_at_all(Exchange).await;
}

/// The one-time credential itself.
struct Reset;

impl Operation for Reset {
    type Subject = Agent;
    const OK: u16 = 200;
    const AGAIN: &[u16] = &[];

    async fn subject(&self, world: &World) -> Agent {
        world.external("a").await
    }

    async fn run(&self, world: &World, agent: &Agent) -> Answer {
        let path = format!("/admin/workspaces/{}/reset-credentials", agent.id);
        world.call("POST", &path, Some(ADMIN), &Value::Null).await
    }

    async fn traces(&self, world: &World, agent: &Agent) -> Vec<bool> {
        vec![world.sound(&agent.id).await.count(EventType::CredentialsReset) > 0]
    }
}

#[tokio::test]
async fn a_reset_is_whole() {
    whole_or_not_at_all(Reset).await;
}

/// Another operator.
struct MintOrg;

impl Operation for MintOrg {
    type Subject = usize;
    const OK: u16 = 200;
    const AGAIN: &[u16] = &[];

    async fn subject(&self, world: &World) -> usize {
        world.platform.store.org_tokens(&world.platform.config.org).await.unwrap().len()
    }

    async fn run(&self, world: &World, _: &usize) -> Answer {
        world.call("POST", "/org/tokens", Some(ADMIN), &Value::Null).await
    }

    async fn traces(&self, world: &World, before: &usize) -> Vec<bool> {
        let tokens = world.platform.store.org_tokens(&world.platform.config.org).await.unwrap();
        let last = tokens.last().map(|token| token.digest.clone()).unwrap_or_default();
        assert!(tokens.is_empty() || world.platform.store.token(&last).await.unwrap().is_some_and(|row| row.is_live()));
        vec![tokens.len() > *before]
    }
}

#[tokio::test]
async fn an_org_token_is_issued_whole() {
    whole_or_not_at_all(MintOrg).await;
}

struct RevokeOrg;

impl Operation for RevokeOrg {
    type Subject = (String, String);
    const OK: u16 = 200;
    const AGAIN: &[u16] = &[404];

    async fn subject(&self, world: &World) -> Self::Subject {
        let made = world.call("POST", "/org/tokens", Some(ADMIN), &Value::Null).await.expect(200);
        let text = |name: &str| made.body[name].as_str().unwrap().to_owned();
        (text("id"), text("auth_token"))
    }

    async fn run(&self, world: &World, (id, _): &Self::Subject) -> Answer {
        world.call("DELETE", &format!("/org/tokens/{id}"), Some(ADMIN), &Value::Null).await
    }

    async fn traces(&self, world: &World, (id, token): &Self::Subject) -> Vec<bool> {
        let listed = world.platform.store.org_tokens(&world.platform.config.org).await.unwrap();
        let row = world.platform.store.token(&digest(token)).await.unwrap().unwrap();
        vec![!row.is_live(), listed.iter().all(|token| token.id.to_string() != *id)]
    }
}

#[tokio::test]
async fn an_org_token_is_revoked_whole() {
    whole_or_not_at_all(RevokeOrg).await;
}
