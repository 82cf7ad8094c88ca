//! Whatever meets a delete: removed is terminal.

use std::time::Duration;

use rules::Status;
use rules::event::EventType;
use rules::message::{Priority, State};
use rules::slots::Slots;
use serde_json::{Value, json};
use tests::{ADMIN, Agent, World};

use super::{URL, delete, each_seed, one_of, send, two};

/// After a delete that answered 200: one event, no token, no queue, and nothing brings it back.
async fn gone(world: &World, agent: &Agent) {
    let seen = world.sound(&agent.id).await;
    assert_eq!(seen.record.status, Status::Removed);
    assert_eq!(seen.count(EventType::WorkspaceRemoved), 1);
    assert_eq!(seen.slots, Slots::default(), "nothing looks at its queue any more");
    assert!(world.platform.store.tokens_of(seen.record.id).await.unwrap().is_empty());
    one_of(&world.beat(agent, &json!({})).await, &[410]);
    one_of(&world.register(agent, URL).await, &[410]);
    one_of(&send(world, &agent.id, "late").await, &[410]);
    let queue = world.platform.queues.name(seen.record.id, Priority::Task);
    let found = world.platform.queues.client().get_queue_url().queue_name(queue).send().await;
    assert!(found.is_err(), "its queue is left over");
}

#[tokio::test]
async fn a_heartbeat_does_not_bring_back_what_is_deleted() {
    each_seed(async |world, seed| {
        let agent = world.online("a", URL).await;
        if seed % 2 == 0 {
            world.advance(Duration::from_secs(61));
        }
        let [deleted, beaten] = two(world, seed, delete(world, &agent.id), world.beat(&agent, &json!({}))).await;
        one_of(&deleted, &[200]);
        one_of(&beaten, &[200, 410]);
        gone(world, &agent).await;
    })
    .await;
}

#[tokio::test]
async fn a_register_does_not_bring_back_what_is_deleted() {
    each_seed(async |world, seed| {
        let agent = world.external("a").await;
        let [deleted, registered] = two(world, seed, delete(world, &agent.id), world.register(&agent, URL)).await;
        one_of(&deleted, &[200]);
        one_of(&registered, &[200, 410]);
        gone(world, &agent).await;
    })
    .await;
}

#[tokio::test]
async fn two_deletes_remove_once() {
    each_seed(async |world, seed| {
        let agent = world.online("a", URL).await;
        send(world, &agent.id, "m").await.expect(202);
        let [one, other] = two(world, seed, delete(world, &agent.id), delete(world, &agent.id)).await;
        one_of(&one, &[200]);
        one_of(&other, &[200]);
        gone(world, &agent).await;
    })
    .await;
}

#[tokio::test]
async fn a_token_that_is_minted_meanwhile_dies_with_the_workspace() {
    each_seed(async |world, seed| {
        let agent = world.online("a", URL).await;
        let path = format!("/workspaces/{}/tokens", agent.id);
        let by = if seed % 2 == 0 { ADMIN } else { &agent.token };
        let mint = world.call("POST", &path, Some(by), &Value::Null);
        let [deleted, minted] = two(world, seed, delete(world, &agent.id), mint).await;
        one_of(&deleted, &[200]);
        one_of(&minted, if by == ADMIN { &[201, 410] } else { &[201, 401, 410] });
        gone(world, &agent).await;
        if minted.status == 201 {
            let token = minted.body["auth_token"].as_str().unwrap();
            let path = format!("/workspaces/{}", agent.id);
            world.call("GET", &path, Some(token), &Value::Null).await.expect(401);
        }
    })
    .await;
}

#[tokio::test]
async fn a_message_that_is_accepted_meanwhile_ends_dropped() {
    each_seed(async |world, seed| {
        let agent = if seed & 4 == 0 { world.external("a").await } else { world.online("a", URL).await };
        let [deleted, accepted] = two(world, seed, delete(world, &agent.id), send(world, &agent.id, "m")).await;
        one_of(&deleted, &[200]);
        one_of(&accepted, &[202, 410]);
        gone(world, &agent).await;
        delete(world, &agent.id).await.expect(200);
        let seen = world.sound(&agent.id).await;
        assert!(seen.messages.iter().all(|message| message.state == State::Dropped), "{:?}", seen.messages);
        assert!(accepted.status == 410 || seen.messages.len() == 1);
        world.settle().await;
    })
    .await;
}
