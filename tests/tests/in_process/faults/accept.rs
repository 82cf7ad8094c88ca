//! Accepting a message: accepted is kept, and 503 means that nothing is under way.

use std::time::Duration;

use rules::message::State;
use serde_json::{Value, json};
use tests::api::message;
use tests::{ADMIN, Agent, Answer, FakeAgent, Fault, Mood, World};

use super::{FAULTS, from, once, unavailable};

/// A world with one agent that answers everything.
struct Scene {
    world: World,
    agent: FakeAgent,
    bob: Agent,
}

impl Scene {
    async fn new() -> Self {
        let agent = FakeAgent::start(Mood::Answer("{}".to_owned())).await;
        let world = World::new().await;
        let bob = world.online("bob", &agent.url).await;
        // Without the work that a first lease expects, so that nothing but the message wakes the drain.
        world.beat(&bob, &json!({})).await.expect(200);
        world.settle().await;
        world.gate.take_operations();
        Self { world, agent, bob }
    }

    async fn send(&self) -> Answer {
        self.world.call("POST", &format!("/workspaces/{}/a2a", self.bob.id), Some(ADMIN), &message("m")).await
    }

    /// All that the platform does by itself: wakes, and later beats and sweeps.
    async fn wait_long(&self) {
        self.world.settle().await;
        for _ in 0..2 {
            self.world.advance(Duration::from_secs(700));
            self.world.beat(&self.bob, &json!({})).await.expect(200);
            self.world.sweep().await;
            self.world.settle().await;
        }
    }

    fn delivered(&self) -> usize {
        self.agent.got().len()
    }

    async fn states(&self) -> Vec<State> {
        self.world.sound(&self.bob.id).await.messages.iter().map(|message| message.state).collect()
    }
}

/// How many requests an accept makes, and which of them stores the message.
async fn shape() -> (usize, usize) {
    let scene = Scene::new().await;
    scene.send().await.expect(202);
    let requests = scene.world.gate.take_operations();
    (requests.len(), requests.iter().position(|request| request == "TransactWriteItems").unwrap() + 1)
}

#[tokio::test]
async fn one_fault_changes_nothing() {
    for n in 1..=shape().await.0 {
        for fault in FAULTS {
            let scene = Scene::new().await;
            scene.world.gate.inject(once(n, fault));
            let answer = scene.send().await;
            scene.world.gate.heal();
            assert_eq!(answer.status, 202, "{fault:?} at {n}: {}", answer.body);
            scene.world.settle().await;
            assert_eq!((scene.delivered(), scene.states().await), (1, vec![State::Completed]), "{fault:?} at {n}");
        }
    }
}

#[tokio::test]
async fn accepted_is_delivered_and_refused_is_not() {
    let (requests, write) = shape().await;
    for n in 1..=requests {
        for fault in FAULTS {
            let told = format!("{fault:?} from {n}");
            let scene = Scene::new().await;
            scene.world.gate.inject(from(n, fault));
            let answer = scene.send().await;
            scene.world.gate.heal();
            if answer.status == 202 {
                scene.wait_long().await;
                assert_eq!((scene.delivered(), scene.states().await), (1, vec![State::Completed]), "{told}");
                scene.send().await.expect(200);
                continue;
            }
            unavailable(&answer, &told);
            // Nobody knows that a write was done whose every answer is lost; and what is stored when everything fails can
            // only be taken back when something works again.
            let doubtful = n > write || (n == write && fault == Fault::LostAnswer);
            if !doubtful {
                assert!(scene.states().await.is_empty(), "{told}");
                scene.wait_long().await;
                assert_eq!(scene.delivered(), 0, "{told}: denied and delivered");
            }
            assert!(n <= write + 1, "{told}: queued and denied");
            scene.send().await.expect(202);
            scene.world.settle().await;
            assert_eq!(scene.delivered(), 1, "{told}: the second time");
            scene.wait_long().await;
            assert_eq!(scene.delivered(), 1, "{told}: later");
        }
    }
}

#[tokio::test]
async fn without_the_queue_nothing_is_accepted_and_the_same_message_can_be_sent_again() {
    for fault in FAULTS {
        let scene = Scene::new().await;
        scene.world.gate.inject(move |operation, _| (operation == "SendMessage").then_some(fault));
        for _ in 0..2 {
            unavailable(&scene.send().await, &format!("{fault:?}"));
        }
        scene.world.gate.heal();
        assert_eq!(scene.states().await, [State::Dropped, State::Dropped]);
        scene.wait_long().await;
        assert_eq!(scene.delivered(), 0, "{fault:?}: denied and delivered");
        let accepted = scene.send().await.expect(202);
        scene.world.settle().await;
        assert_eq!(scene.delivered(), 1);
        let repeat = scene.send().await.expect(200);
        assert_eq!(repeat.headers["x-molecule-queue-id"], accepted.body["queue_id"].as_str().unwrap());
    }
}

#[tokio::test]
async fn a_lost_wake_is_made_up_for() {
    let scene = Scene::new().await;
    let mut sends = 0;
    scene.world.gate.inject(move |operation, _| {
        sends += usize::from(operation == "SendMessage");
        (operation == "SendMessage" && sends > 1).then_some(Fault::ServerError)
    });
    scene.send().await.expect(202);
    scene.world.gate.heal();
    assert_eq!(scene.world.settle().await, 0, "nobody is woken");
    scene.world.sweep().await;
    scene.world.settle().await;
    assert_eq!((scene.delivered(), scene.states().await), (1, vec![State::Completed]));
}

#[tokio::test]
async fn a_lost_pointer_is_sent_again_though_later_messages_passed() {
    let scene = Scene::new().await;
    let first = scene.world.platform.queues.client().clone();
    scene.send().await.expect(202);
    let url = format!("{}/a2a", scene.bob.id);
    let queue = scene.world.platform.queues.name(scene.bob.id.parse().unwrap(), rules::message::Priority::Task);
    let queue = first.get_queue_url().queue_name(queue).send().await.unwrap().queue_url.unwrap();
    first.purge_queue().queue_url(queue).send().await.unwrap();
    scene.world.call("POST", &format!("/workspaces/{url}"), Some(ADMIN), &message("second")).await.expect(202);
    scene.world.settle().await;
    assert_eq!(scene.states().await, [State::Queued, State::Completed]);
    scene.wait_long().await;
    assert_eq!((scene.delivered(), scene.states().await), (2, vec![State::Completed, State::Completed]));
    assert_eq!(scene.world.show(&scene.bob.id).await["status"], Value::from("online"));
}
