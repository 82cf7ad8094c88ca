//! Delivering under faults: the wake-up comes again, no message is lost, and none is delivered twice.

use std::time::Duration;

use platform::deadline::Deadline;
use platform::queues::Reminder;
use rules::WorkspaceId;
use rules::message::{Message, State};
use serde_json::{Value, json};
use tests::api::message;
use tests::{ADMIN, Agent, FakeAgent, Fault, Mood, World};

use super::{FAULTS, from, once, outage};

/// A message that waits for its drain.
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
        let path = format!("/workspaces/{}/a2a", bob.id);
        world.call("POST", &path, Some(ADMIN), &message("m")).await.expect(202);
        world.gate.take_operations();
        Self { world, agent, bob }
    }

    /// The dispatch function with one wake-up; true when the wake-up must come again.
    async fn drain(&self) -> bool {
        let workspace_id: WorkspaceId = self.bob.id.parse().unwrap();
        let body = serde_json::to_string(&Reminder::Drain { workspace_id }).unwrap();
        let event = json!({ "Records": [{ "messageId": "wake", "body": body }] });
        let answer = self.world.invoke("dispatch", &event).await;
        let failures = answer["batchItemFailures"].as_array().unwrap();
        assert!(failures.iter().all(|failure| failure["itemIdentifier"] == "wake"));
        !failures.is_empty()
    }

    async fn message(&self) -> Message {
        self.world.sound(&self.bob.id).await.messages.remove(0)
    }

    /// Time passes: the agent beats, the sweep runs, wake-ups arrive.
    async fn later(&self, seconds: u64) {
        self.world.advance(Duration::from_secs(seconds));
        self.world.beat(&self.bob, &json!({})).await.expect(200);
        self.world.sweep().await;
        self.world.settle().await;
    }
}

async fn shape() -> Vec<String> {
    let scene = Scene::new().await;
    assert!(!scene.drain().await);
    scene.world.gate.take_operations()
}

#[tokio::test]
async fn one_fault_does_not_stop_a_delivery() {
    for n in 1..=shape().await.len() {
        for fault in FAULTS {
            let scene = Scene::new().await;
            scene.world.gate.inject(once(n, fault));
            let failed = scene.drain().await;
            scene.world.gate.heal();
            assert!(!failed, "{fault:?} at {n}");
            assert_eq!(scene.message().await.state, State::Completed, "{fault:?} at {n}");
            assert_eq!(scene.agent.got().len(), 1, "{fault:?} at {n}");
        }
    }
}

/// Which requests of a drain lease the message and end its delivery.
fn lease_and_end(requests: &[String]) -> (usize, usize) {
    let commits: Vec<usize> = (1..=requests.len()).filter(|n| requests[n - 1] == "TransactWriteItems").collect();
    let [_claim, lease, end, _close] = commits[..] else { panic!("the shape of a drain changed: {requests:?}") };
    (lease, end)
}

#[tokio::test]
async fn after_a_short_outage_the_next_wake_delivers() {
    let requests = shape().await;
    let (lease, end) = lease_and_end(&requests);
    for n in (1..=requests.len()).filter(|n| *n <= lease || *n > end) {
        for fault in [Fault::Timeout, Fault::Throttle, Fault::ServerError] {
            let scene = Scene::new().await;
            scene.world.gate.inject(outage(n, fault));
            let failed = scene.drain().await;
            scene.world.gate.heal();
            // A pointer that could not be deleted is stale when it comes back, and needs no wake-up.
            assert!(failed || n > end, "{fault:?} at {n}: the wake-up is used up");
            assert!(!scene.drain().await);
            assert_eq!(scene.message().await.state, State::Completed, "{fault:?} at {n} {}", requests[n - 1]);
            assert_eq!(scene.agent.got().len(), 1, "{fault:?} at {n}");
        }
    }
}

#[tokio::test]
async fn no_message_is_lost_and_none_is_delivered_twice() {
    let requests = shape().await;
    let (lease, end) = lease_and_end(&requests);
    for n in 1..=requests.len() {
        for fault in FAULTS {
            let told = format!("{fault:?} from {n} {}", requests[n - 1]);
            let scene = Scene::new().await;
            scene.world.gate.inject(from(n, fault));
            assert!(scene.drain().await, "{told}: the wake-up is used up");
            scene.world.gate.heal();
            // Between the lease and its end nobody else can know how the call to the agent went.
            let doubtful = (n > lease && n <= end) || (n == lease && fault == Fault::LostAnswer);
            let expected =
                if doubtful && !(n == end && fault == Fault::LostAnswer) { State::Failed } else { State::Completed };
            scene.drain().await;
            for seconds in [61, 700, 3700, 61] {
                if scene.message().await.state.is_terminal() {
                    break;
                }
                scene.later(seconds).await;
            }
            let message = scene.message().await;
            assert_eq!(message.state, expected, "{told}: {message:#?}");
            assert!(expected == State::Completed || message.reason.unwrap().starts_with("answer_lost"), "{told}");
            assert_eq!(scene.agent.got().len(), usize::from(!(n == lease && doubtful)), "{told}");
            scene.later(700).await;
            assert!(scene.agent.got().len() <= 1, "{told}: delivered twice");
            assert!(scene.world.sound(&scene.bob.id).await.slots.slots.is_empty(), "{told}: a slot is left over");
        }
    }
}

#[tokio::test]
async fn the_result_of_a_long_turn_is_taken_once() {
    let scene = async || {
        let scene = Scene::new().await;
        scene.agent.set(Mood::Later);
        scene.drain().await;
        let message = scene.message().await;
        assert_eq!(message.state, State::Delivered);
        let path = format!("/workspaces/{}/a2a/queue/{}/result", scene.bob.id, message.id);
        // The token was seen this minute, so its use is not noted again.
        scene.world.call("GET", &format!("/workspaces/{}", scene.bob.id), Some(&scene.bob.token), &Value::Null).await;
        scene.world.gate.take_operations();
        (scene, path, json!({ "slot_epoch": message.slot_epoch, "status": 200, "body": { "done": true } }))
    };
    let (first, path, body) = scene().await;
    first.world.call("POST", &path, Some(&first.bob.token), &body).await.expect(200);
    let requests = first.world.gate.take_operations().len();
    for n in 1..=requests {
        for fault in FAULTS {
            let (one, path, body) = scene().await;
            one.world.gate.inject(once(n, fault));
            one.world.call("POST", &path, Some(&one.bob.token), &body).await.expect(200);
            one.world.gate.heal();
            assert_eq!(one.message().await.state, State::Completed, "{fault:?} at {n}");

            let (many, path, body) = scene().await;
            many.world.gate.inject(from(n, fault));
            let answer = many.world.call("POST", &path, Some(&many.bob.token), &body).await;
            many.world.gate.heal();
            let state = many.message().await.state;
            assert!(answer.status == 503 || state == State::Completed, "{fault:?} from {n}: {}", answer.body);
            let again = many.world.call("POST", &path, Some(&many.bob.token), &body).await;
            assert_eq!(again.status, 200, "{fault:?} from {n}: {}", again.body);
            assert_eq!(many.message().await.state, State::Completed);
        }
    }
}

/// SQS holds a lane for as long as one of its pointers is in flight: an hour, if nobody looks.
#[tokio::test]
async fn a_pointer_that_could_not_be_deleted_is_deleted_by_the_sweep() {
    let scene = Scene::new().await;
    scene.world.gate.inject(|operation, _| (operation == "DeleteMessage").then_some(Fault::ServerError));
    assert!(!scene.drain().await);
    scene.world.gate.heal();
    let path = format!("/workspaces/{}/a2a", scene.bob.id);
    scene.world.call("POST", &path, Some(ADMIN), &message("next")).await.expect(202);
    for _ in 0..10 {
        scene.later(30).await;
    }
    assert_eq!(scene.agent.got().len(), 1, "its lane is held");
    for _ in 0..12 {
        scene.later(30).await;
    }
    assert_eq!(scene.agent.got().len(), 2);
    let messages = scene.world.sound(&scene.bob.id).await.messages;
    assert!(messages.iter().all(|message| message.state == State::Completed), "{messages:?}");
}

/// As above, of a message that went back into its lane.
#[tokio::test]
async fn a_pointer_that_could_not_be_shown_again_is_shown_by_the_sweep() {
    let scene = Scene::new().await;
    scene.agent.set(Mood::Status(503));
    let mut hidden = 0;
    scene.world.gate.inject(move |operation, _| {
        hidden += usize::from(operation == "ChangeMessageVisibility");
        // The first one leases it.
        (operation == "ChangeMessageVisibility" && hidden > 1).then_some(Fault::ServerError)
    });
    scene.drain().await;
    scene.world.gate.heal();
    assert_eq!(scene.message().await.state, State::Queued);
    scene.agent.set(Mood::Answer("{}".to_owned()));
    // Two behind it, of which one leaves a pointer to nothing.
    let path = format!("/workspaces/{}/a2a", scene.bob.id);
    scene.world.call("POST", &path, Some(ADMIN), &message("next")).await.expect(202);
    let unwanted = scene.world.call("POST", &path, Some(ADMIN), &message("unwanted")).await.expect(202);
    let unwanted = format!("{path}/queue/{}", unwanted.body["queue_id"].as_str().unwrap());
    scene.world.call("DELETE", &unwanted, Some(ADMIN), &Value::Null).await.expect(200);
    for _ in 0..10 {
        scene.later(30).await;
    }
    assert_eq!(scene.message().await.state, State::Queued);
    for _ in 0..12 {
        scene.later(30).await;
    }
    let got = scene.agent.got();
    let got: Vec<Value> = got.iter().map(|got| serde_json::from_str(&got.body).unwrap()).collect();
    let ids: Vec<&Value> = got.iter().map(|body| &body["params"]["message"]["messageId"]).collect();
    assert_eq!(ids, ["m", "m", "next"], "in the lane's order");
}

#[tokio::test]
async fn a_drain_whose_time_runs_out_hands_on_before_it_begins_another_message() {
    let scene = Scene::new().await;
    let path = format!("/workspaces/{}/a2a", scene.bob.id);
    for n in 0..2 {
        scene.world.call("POST", &path, Some(ADMIN), &message(&format!("more {n}"))).await.expect(202);
    }
    let workspace_id: WorkspaceId = scene.bob.id.parse().unwrap();
    let config = &scene.world.platform.config;
    // As a function is cut off: with time for what the agent may take, but not for that twice.
    let left = config.dispatch_hold + config.settle_retry;
    dispatch::drain(&scene.world.platform, workspace_id, Deadline::after(left)).await.unwrap();
    assert_eq!(scene.agent.got().len(), 1, "one is always delivered");
    let sound = scene.world.sound(&scene.bob.id).await;
    assert!(sound.slots.slots.is_empty(), "{:?}", sound.slots);
    let queued = sound.messages.iter().filter(|message| message.state == State::Queued).count();
    assert_eq!(queued, 2);
    scene.world.settle().await;
    assert_eq!(scene.agent.got().len(), 3, "another drain went on");
    // The slot of an answer that comes later stays; the other one is not begun with.
    scene.agent.set(Mood::Later);
    scene
        .world
        .call("PATCH", &format!("/workspaces/{workspace_id}"), Some(ADMIN), &json!({ "max_concurrent_tasks": 2 }))
        .await
        .expect(200);
    for n in 0..2 {
        let mut later = message(&format!("later {n}"));
        later["params"]["message"]["contextId"] = json!(n.to_string());
        scene.world.call("POST", &path, Some(ADMIN), &later).await.expect(202);
    }
    dispatch::drain(&scene.world.platform, workspace_id, Deadline::after(left)).await.unwrap();
    assert_eq!(scene.agent.got().len(), 4);
    scene.world.settle().await;
    assert_eq!(scene.agent.got().len(), 5);
}
