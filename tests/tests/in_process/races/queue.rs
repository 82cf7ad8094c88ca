//! The queue under several hands.

use platform::queues::Reminder;
use rules::WorkspaceId;
use rules::message::State;
use rules::slots::Slots;
use serde_json::{Value, json};
use tests::{FakeAgent, Mood, World};

use super::{delete, each_seed, one_of, racer, send, two};

/// The dispatch function, woken for this workspace; false when the wake-up must come again.
async fn try_drain(world: &World, id: &str) -> bool {
    let workspace_id: WorkspaceId = id.parse().unwrap();
    let body = serde_json::to_string(&Reminder::Drain { workspace_id }).unwrap();
    let event = json!({ "Records": [{ "messageId": "wake", "body": body }] });
    world.invoke("dispatch", &event).await["batchItemFailures"] == json!([])
}

async fn drain(world: &World, id: &str) {
    assert!(try_drain(world, id).await, "a drain failed");
}

/// All wake-ups that wait are lost.
async fn lose_wakes(world: &World) {
    let url = &world.platform.config.dispatch_queue_url;
    let client = world.platform.queues.client();
    loop {
        let batch = client.receive_message().queue_url(url).max_number_of_messages(10).send().await.unwrap();
        let Some(messages) = batch.messages.filter(|messages| !messages.is_empty()) else { return };
        for message in messages {
            let receipt = message.receipt_handle.unwrap();
            client.delete_message().queue_url(url).receipt_handle(receipt).send().await.unwrap();
        }
    }
}

/// How often the agent got this message.
fn times(agent: &FakeAgent, message_id: &str) -> usize {
    agent.got().iter().filter(|got| got.body.contains(message_id)).count()
}

async fn all_completed(world: &World, id: &str, count: usize) {
    let seen = world.sound(id).await;
    assert_eq!(seen.messages.len(), count);
    assert!(seen.messages.iter().all(|message| message.state == State::Completed), "{:#?}", seen.messages);
    assert!(seen.slots.slots.is_empty() && !seen.slots.pending, "{:?}", seen.slots);
    assert!(seen.lease.is_some_and(|lease| !lease.work));
}

#[tokio::test]
async fn two_drains_deliver_each_message_once_and_one_at_a_time() {
    let agent = FakeAgent::start(Mood::Answer("{}".to_owned())).await;
    each_seed(async |world, seed| {
        agent.set(Mood::Racing(world.gate.clone()));
        let bob = world.online("bob", &agent.url).await;
        let names = [format!("first-{seed}."), format!("second-{seed}.")];
        for name in &names {
            send(world, &bob.id, name).await.expect(202);
        }
        lose_wakes(world).await;
        world.gate.race(seed, vec![racer(drain(world, &bob.id)), racer(drain(world, &bob.id))]).await;
        assert_eq!(names.map(|name| times(&agent, &name)), [1, 1], "without another wake");
        assert_eq!(agent.most_at_once(), 1);
        all_completed(world, &bob.id, 2).await;
    })
    .await;
}

#[tokio::test]
async fn a_message_that_comes_while_a_drain_closes_is_delivered() {
    let agent = FakeAgent::start(Mood::Answer("{}".to_owned())).await;
    each_seed(async |world, seed| {
        let bob = world.online("bob", &agent.url).await;
        let name = format!("late-{seed}.");
        let sent_and_woken = async {
            one_of(&send(world, &bob.id, &name).await, &[200, 202]);
            drain(world, &bob.id).await;
        };
        world.gate.race(seed, vec![racer(drain(world, &bob.id)), racer(sent_and_woken)]).await;
        lose_wakes(world).await;
        assert_eq!(times(&agent, &name), 1);
        all_completed(world, &bob.id, 1).await;
    })
    .await;
}

#[tokio::test]
async fn a_message_that_waits_is_always_found_by_the_sweep() {
    let agent = FakeAgent::start(Mood::Answer("{}".to_owned())).await;
    each_seed(async |world, seed| {
        let bob = world.online("bob", &agent.url).await;
        let name = format!("lost-{seed}.");
        let sent = async {
            one_of(&send(world, &bob.id, &name).await, &[200, 202]);
        };
        world.gate.race(seed, vec![racer(drain(world, &bob.id)), racer(sent)]).await;
        lose_wakes(world).await;
        let seen = world.sound(&bob.id).await;
        if times(&agent, &name) == 0 {
            assert!(seen.slots.pending && seen.lease.unwrap().work, "nobody will look: {:?}", seen.slots);
            let due = world.platform.store.due("drain", world.platform.now()).await.unwrap();
            assert!(due.contains(&seen.record.id));
        }
        drain(world, &bob.id).await;
        all_completed(world, &bob.id, 1).await;
    })
    .await;
}

#[tokio::test]
async fn one_message_id_is_one_message() {
    let agent = FakeAgent::start(Mood::Answer("{}".to_owned())).await;
    each_seed(async |world, seed| {
        let bob = world.online("bob", &agent.url).await;
        let name = format!("same-{seed}.");
        let [one, other] = two(world, seed, send(world, &bob.id, &name), send(world, &bob.id, &name)).await;
        one_of(&one, &[202]);
        one_of(&other, &[202]);
        assert_eq!(one.body["queue_id"], other.body["queue_id"]);
        assert_ne!(one.body["queue_id"], Value::Null);
        drain(world, &bob.id).await;
        lose_wakes(world).await;
        assert_eq!(times(&agent, &name), 1);
        all_completed(world, &bob.id, 1).await;
    })
    .await;
}

#[tokio::test]
async fn a_delivery_from_what_is_deleted_ends_with_it() {
    let agent = FakeAgent::start(Mood::Answer("{}".to_owned())).await;
    each_seed(async |world, seed| {
        agent.set(Mood::Racing(world.gate.clone()));
        let bob = world.online("bob", &agent.url).await;
        let name = format!("last-{seed}.");
        send(world, &bob.id, &name).await.expect(202);
        lose_wakes(world).await;
        let deleted = async {
            one_of(&delete(world, &bob.id).await, &[200]);
            true
        };
        world.gate.race(seed, vec![racer(deleted), racer(try_drain(world, &bob.id))]).await;
        drain(world, &bob.id).await;
        let seen = world.sound(&bob.id).await;
        let state = seen.messages[0].state;
        assert!(matches!(state, State::Completed | State::Dropped), "{state:?}");
        let got = times(&agent, &name);
        assert!(got == 1 || (got == 0 && state == State::Dropped), "{state:?} after {got} deliveries");
        assert_eq!(seen.slots, Slots::default(), "nobody delivers for it any more");
    })
    .await;
}
