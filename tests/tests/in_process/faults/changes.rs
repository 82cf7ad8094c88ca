//! Creating, changing, registering, beating, deleting: each whole or not at all.

use std::time::Duration;

use rules::Status;
use rules::event::EventType;
use rules::message::Priority;
use serde_json::{Value, json};
use tests::{ADMIN, Agent, Answer, World};

use super::every_request::{Operation, whole_or_not_at_all};

const URL: &str = "http://127.0.0.1:9/";

struct Create {
    external: bool,
}

impl Operation for Create {
    type Subject = Agent;
    const OK: u16 = 201;
    const AGAIN: &[u16] = &[];

    async fn subject(&self, world: &World) -> Agent {
        world.external("parent").await
    }

    async fn run(&self, world: &World, parent: &Agent) -> Answer {
        let body = json!({ "name": "child", "external": self.external, "parent_id": parent.id });
        world.call("POST", "/workspaces", Some(ADMIN), &body).await
    }

    async fn traces(&self, world: &World, parent: &Agent) -> Vec<bool> {
        let store = &world.platform.store;
        let children = store.children(&world.platform.config.org, Some(parent.id.parse().unwrap())).await.unwrap();
        for child in &children {
            world.sound(&child.to_string()).await;
        }
        vec![!children.is_empty()]
    }
}

#[tokio::test]
async fn a_create_is_whole() {
    whole_or_not_at_all(Create { external: true }).await;
    whole_or_not_at_all(Create { external: false }).await;
}

#[tokio::test]
async fn a_create_that_is_refused_or_fails_leaves_no_queue() {
    let world = World::new().await;
    let nobody = json!({ "name": "child", "parent_id": "99999999-9999-4999-8999-999999999999" });
    let queues = async || world.platform.queues.client().list_queues().send().await.unwrap().queue_urls().len();
    let before = queues().await;
    world.call("POST", "/workspaces", Some(ADMIN), &nobody).await.expect(404);
    assert_eq!(queues().await, before);
    let failing = |name: &str, _| (name == "TransactWriteItems").then_some(tests::Fault::ServerError);
    world.gate.inject(failing);
    world.call("POST", "/workspaces", Some(ADMIN), &json!({ "name": "child" })).await.expect(503);
    world.gate.heal();
    assert_eq!(queues().await, before);
}

struct Rename;

impl Operation for Rename {
    type Subject = Agent;
    const OK: u16 = 200;
    const AGAIN: &[u16] = &[];

    async fn subject(&self, world: &World) -> Agent {
        world.external("before").await
    }

    async fn run(&self, world: &World, agent: &Agent) -> Answer {
        world.call("PATCH", &format!("/workspaces/{}", agent.id), Some(ADMIN), &json!({ "name": "after" })).await
    }

    async fn traces(&self, world: &World, agent: &Agent) -> Vec<bool> {
        let seen = world.sound(&agent.id).await;
        vec![seen.record.name == "after", seen.count(EventType::WorkspaceUpdated) == 1]
    }
}

#[tokio::test]
async fn a_change_is_whole() {
    whole_or_not_at_all(Rename).await;
}

struct Register;

impl Operation for Register {
    type Subject = Agent;
    const OK: u16 = 200;
    const AGAIN: &[u16] = &[];

    async fn subject(&self, world: &World) -> Agent {
        world.external("a").await
    }

    async fn run(&self, world: &World, agent: &Agent) -> Answer {
        world.register(agent, URL).await
    }

    async fn traces(&self, world: &World, agent: &Agent) -> Vec<bool> {
        let seen = world.sound(&agent.id).await;
        let online = seen.record.status == Status::Online;
        vec![online, seen.lease.is_some(), seen.count(EventType::WorkspaceOnline) == 1]
    }
}

#[tokio::test]
async fn a_register_is_whole() {
    whole_or_not_at_all(Register).await;
}

struct UpdateCard;

impl Operation for UpdateCard {
    type Subject = Agent;
    const OK: u16 = 200;
    const AGAIN: &[u16] = &[];

    async fn subject(&self, world: &World) -> Agent {
        world.external("a").await
    }

    async fn run(&self, world: &World, agent: &Agent) -> Answer {
        let body = json!({ "workspace_id": agent.id, "agent_card": { "name": "new" } });
        world.call("POST", "/registry/update-card", Some(&agent.token), &body).await
    }

    async fn traces(&self, world: &World, agent: &Agent) -> Vec<bool> {
        let seen = world.sound(&agent.id).await;
        vec![seen.record.agent_card.is_some(), seen.count(EventType::AgentCardUpdated) == 1]
    }
}

#[tokio::test]
async fn a_new_card_is_whole() {
    whole_or_not_at_all(UpdateCard).await;
}

/// A heartbeat after silence: back online, with the event.
struct Return;

impl Operation for Return {
    type Subject = Agent;
    const OK: u16 = 200;
    const AGAIN: &[u16] = &[];

    async fn subject(&self, world: &World) -> Agent {
        let agent = world.online("a", URL).await;
        world.advance(Duration::from_secs(61));
        agent
    }

    async fn run(&self, world: &World, agent: &Agent) -> Answer {
        world.beat(agent, &json!({})).await
    }

    async fn traces(&self, world: &World, agent: &Agent) -> Vec<bool> {
        let seen = world.sound(&agent.id).await;
        vec![seen.status(world) == Status::Online, seen.count(EventType::WorkspaceOnline) == 2]
    }
}

#[tokio::test]
async fn a_return_is_whole() {
    whole_or_not_at_all(Return).await;
}

/// A steady heartbeat.
struct Beat;

impl Operation for Beat {
    type Subject = Agent;
    const OK: u16 = 200;
    const AGAIN: &[u16] = &[];

    async fn subject(&self, world: &World) -> Agent {
        let agent = world.online("a", URL).await;
        world.advance(Duration::from_secs(30));
        agent
    }

    async fn run(&self, world: &World, agent: &Agent) -> Answer {
        world.beat(agent, &json!({})).await
    }

    async fn traces(&self, world: &World, agent: &Agent) -> Vec<bool> {
        let lease = world.sound(&agent.id).await.lease.unwrap();
        let now = world.platform.now();
        vec![lease.beat.at == now, lease.lease_until == now + Duration::from_secs(60)]
    }
}

#[tokio::test]
async fn a_steady_heartbeat_is_whole() {
    whole_or_not_at_all(Beat).await;
}

struct Delete;

impl Operation for Delete {
    type Subject = Agent;
    const OK: u16 = 200;
    const AGAIN: &[u16] = &[];

    async fn subject(&self, world: &World) -> Agent {
        world.online("a", URL).await
    }

    async fn run(&self, world: &World, agent: &Agent) -> Answer {
        world.call("DELETE", &format!("/workspaces/{}", agent.id), Some(ADMIN), &Value::Null).await
    }

    async fn traces(&self, world: &World, agent: &Agent) -> Vec<bool> {
        let seen = world.sound(&agent.id).await;
        let removed = seen.record.status == Status::Removed;
        let told = seen.count(EventType::WorkspaceRemoved) == 1;
        if removed {
            let beaten = world.beat(agent, &json!({})).await;
            assert_eq!(beaten.status, 410, "{}", beaten.body);
        }
        vec![removed, told, seen.lease.is_none()]
    }

    async fn promised(&self, world: &World, agent: &Agent) {
        let (platform, id) = (&world.platform, agent.id.parse().unwrap());
        assert!(platform.store.tokens_of(id).await.unwrap().is_empty(), "tokens outlive the delete");
        let queue = platform.queues.name(id, Priority::Task);
        assert!(platform.queues.client().get_queue_url().queue_name(queue).send().await.is_err(), "so does its queue");
    }
}

#[tokio::test]
async fn a_delete_is_whole_and_can_be_finished() {
    whole_or_not_at_all(Delete).await;
}

#[tokio::test]
async fn a_delete_of_a_tree_that_is_cut_off_leaves_nobody_behind_when_it_is_repeated() {
    for n in 1.. {
        let world = World::new().await;
        let root = world.external("root").await;
        let child = world.external_below("child", Some(&root.id)).await;
        let grandchild = world.external_below("grandchild", Some(&child.id)).await;
        let path = format!("/workspaces/{}?confirm=true", root.id);
        world.gate.inject(super::from(n, tests::Fault::ServerError));
        let cut = world.call("DELETE", &path, Some(ADMIN), &Value::Null).await;
        world.gate.heal();
        world.call("DELETE", &path, Some(ADMIN), &Value::Null).await.expect(200);
        for agent in [&root, &child, &grandchild] {
            let shown = world.call("GET", &format!("/workspaces/{}", agent.id), Some(ADMIN), &Value::Null).await;
            assert_eq!(shown.body["status"], "removed", "cut at {n}: {}", shown.body["name"]);
        }
        if cut.status == 200 {
            assert!(n > 20, "{n}");
            return;
        }
    }
}
