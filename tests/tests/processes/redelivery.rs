//! Queue pointers die with the process, messages do not: after the restart each is delivered, in order, once.

use serde_json::{Value, json};
use tests::process::{BOUND, Home, Platform, Runtime, answer_text, eventually, message};
use tests::{Agent, Answer};

use crate::hold::Hold;

/// Sends numbered messages into two lanes, in turn; none is answered before the next is sent.
async fn send_all(platform: &Platform, from: &Agent, to: &Agent) -> Vec<(String, Answer)> {
    let mut sent = Vec::new();
    for number in 1..=4 {
        for lane in ["left", "right"] {
            let text = format!("{lane} {number}");
            let answer = platform.send(from, &to.id, &message(&text, Some(lane))).await.expect(202);
            sent.push((text, answer));
        }
    }
    sent
}

/// Waits until all are answered; each command ran once, and in each lane in the order of sending.
async fn check(platform: &Platform, sent: &[(String, Answer)], hold: &Hold) {
    for (text, queued) in sent {
        let entry = platform.until_completed(queued, BOUND).await;
        assert_eq!(answer_text(&entry["result"]["body"]), format!("did {text}"));
    }
    let began = hold.began();
    assert_eq!(began.len(), sent.len(), "each ran once: {began:?}");
    for lane in ["left", "right"] {
        let of_lane = |text: &&String| text.starts_with(lane);
        let order: Vec<_> = began.iter().filter(of_lane).collect();
        let wanted: Vec<_> = sent.iter().map(|(text, _)| text).filter(of_lane).collect();
        assert_eq!(order, wanted);
    }
}

#[tokio::test]
async fn what_waited_for_an_agent_is_delivered_after_kill_9_and_a_restart() {
    let home = Home::new(&[]);
    let mut platform = home.start().await;
    let (alice, bob) = (platform.external("alice").await, platform.external("bob").await);
    let sent = send_all(&platform, &alice, &bob).await;
    platform.process.kill();

    let platform = home.start().await;
    let hold = Hold::new();
    hold.release();
    let _bobs = Runtime::start(&platform, &bob, &hold.command(), &[]).await;
    check(&platform, &sent, &hold).await;
}

#[tokio::test]
async fn what_an_agent_had_in_hand_is_answered_after_kill_9_and_a_restart() {
    for answer_within in ["10", "0.1"] {
        let home = Home::lasting(&[("A2A_SYNC_WAIT_SECONDS", "0")]);
        let mut platform = home.start().await;
        let (alice, bob) = (platform.external("alice").await, platform.external("bob").await);
        let hold = Hold::new();
        let _bobs = Runtime::start(&platform, &bob, &hold.command(), &["--answer-within", answer_within]).await;
        platform.until_status(&bob.id, "online", BOUND).await;
        let sent = send_all(&platform, &alice, &bob).await;
        hold.until_begun().await;
        if answer_within != "10" {
            // The platform knows that the agent has it and answers later.
            let delivered = async || (platform.entry(&sent[0].1).await["status"] == "delivered").then_some(());
            eventually("the first message is delivered", BOUND, delivered).await;
        }
        platform.process.kill();

        // And once more, as soon as it is up: the start before has just sent everything again.
        home.start().await.process.kill();
        let platform = home.start().await;
        hold.release();
        check(&platform, &sent, &hold).await;
    }
}

#[tokio::test]
async fn an_agent_and_its_platform_killed_together_come_back_to_the_same_queue() {
    let home = Home::lasting(&[("A2A_SYNC_WAIT_SECONDS", "0"), ("LIVENESS_TTL_SECONDS", "4")]);
    let mut platform = home.start().await;
    let (alice, bob) = (platform.external("alice").await, platform.external("bob").await);
    let first = Hold::new();
    let mut bobs = Runtime::start(&platform, &bob, &first.command(), &[]).await;
    platform.until_status(&bob.id, "online", BOUND).await;
    let sent = send_all(&platform, &alice, &bob).await;
    first.until_begun().await;
    platform.process.kill();
    bobs.process.kill();

    let platform = home.start().await;
    let second = Hold::new();
    second.release();
    let _bobs = Runtime::start(&platform, &bob, &second.command(), &[]).await;
    // The new process does not know what the old one had in hand: that is delivered to it again.
    check(&platform, &sent, &second).await;
}

/// What an agent holds at a `kill -9` keeps its lane, and goes back to its place in it.
#[tokio::test]
async fn what_an_agent_fetched_before_kill_9_goes_back_to_its_place() {
    let home = Home::lasting(&[("A2A_SYNC_WAIT_SECONDS", "0")]);
    let mut platform = home.start().await;
    let (alice, bob) = (platform.external("alice").await, platform.external("bob").await);
    let body = json!({ "id": bob.id, "agent_card": { "name": "bob" }, "delivery_mode": "poll" });
    platform.call("POST", "/registry/register", Some(&bob.token), &body).await.expect(200);
    let patch = json!({ "max_concurrent_tasks": 2 });
    platform.call("PATCH", &format!("/workspaces/{}", bob.id), None, &patch).await.expect(200);
    for text in ["first", "second"] {
        platform.send(&alice, &bob.id, &message(text, Some("lane"))).await.expect(202);
    }
    let inbox = format!("/workspaces/{}/inbox", bob.id);
    let fetched = async |platform: &Platform| {
        let answer = platform.call("GET", &format!("{inbox}?max=2"), Some(&bob.token), &Value::Null).await;
        answer.expect(200).body["items"].as_array().unwrap().clone()
    };
    let before = fetched(&platform).await;
    assert_eq!(before.len(), 1, "one of a lane at a time: {before:?}");
    platform.process.kill();

    let platform = home.start().await;
    assert_eq!(fetched(&platform).await, Vec::<Value>::new(), "the lane waits for its first");
    let back = json!({ "slot_epoch": before[0]["slot_epoch"], "delay_seconds": 0 });
    let nack = format!("{inbox}/{}/nack", before[0]["queue_id"].as_str().unwrap());
    platform.call("POST", &nack, Some(&bob.token), &back).await.expect(200);
    for _ in 0..2 {
        let items = fetched(&platform).await;
        assert_eq!(items.len(), 1, "{items:?}");
        let first = items[0]["queue_id"] == before[0]["queue_id"];
        let ack =
            json!({ "slot_epoch": items[0]["slot_epoch"], "status": "completed", "response": { "first": first } });
        let place = format!("{inbox}/{}/ack", items[0]["queue_id"].as_str().unwrap());
        platform.call("POST", &place, Some(&bob.token), &ack).await.expect(200);
    }
    let queue = format!("/workspaces/{}/a2a/queue", bob.id);
    let items = platform.call("GET", &queue, None, &Value::Null).await.expect(200).body["items"].clone();
    let finished = |text: &str| {
        let item = items
            .as_array()
            .unwrap()
            .iter()
            .find(|item| (item["queue_id"] == before[0]["queue_id"]) == (text == "first"));
        item.unwrap()["finished_at"].as_str().unwrap().to_owned()
    };
    assert!(finished("first") <= finished("second"), "in the order of sending: {items}");
}
