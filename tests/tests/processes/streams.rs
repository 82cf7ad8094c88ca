//! A stream through the real platform: events go out as they come, a reader that was cut off reads on, and a platform that
//! dies in the middle loses none that anybody has seen.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tests::process::{BOUND, Home, Platform, eventually};
use tests::{Agent, FakeAgent, Mood, Script};
use tokio::sync::Semaphore;

fn results() -> Vec<Value> {
    let artifact = |text: &str| {
        json!({ "kind": "artifact-update", "taskId": "own", "contextId": "c", "append": true,
                "artifact": { "artifactId": "a", "parts": [{ "kind": "text", "text": text }] } })
    };
    vec![
        json!({ "kind": "task", "id": "own", "contextId": "c", "status": { "state": "working" } }),
        artifact("one"),
        artifact("two"),
        json!({ "kind": "status-update", "taskId": "own", "contextId": "c", "status": { "state": "completed" }, "final": true }),
    ]
}

/// Reads events as they come.
struct Reader {
    response: reqwest::Response,
    text: String,
}

impl Reader {
    async fn open(platform: &Platform, from: &Agent, to: &Agent, after: &str, method: &str, params: &Value) -> Self {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let request = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = request.post(format!("{}/workspaces/{}/a2a", platform.url, to.id)).bearer_auth(&from.token);
        let response = request.header("last-event-id", after).json(&body).send().await.unwrap();
        let kind = response.headers()["content-type"].to_str().unwrap();
        assert_eq!((response.status().as_u16(), kind), (200, "text/event-stream"));
        Self { response, text: String::new() }
    }

    async fn send(platform: &Platform, from: &Agent, to: &Agent) -> Self {
        let message = json!({ "role": "user", "messageId": "m", "parts": [{ "kind": "text", "text": "go" }] });
        Self::open(platform, from, to, "", "message/stream", &json!({ "message": message })).await
    }

    async fn after(platform: &Platform, from: &Agent, to: &Agent, place: &str) -> Self {
        Self::open(platform, from, to, place, "tasks/resubscribe", &json!({ "id": "own" })).await
    }

    /// Reads until so many events are there, or to the end.
    async fn read(&mut self, count: usize) -> Vec<(String, Value)> {
        while self.events().len() < count {
            match tokio::time::timeout(BOUND, self.response.chunk()).await.expect("an event in time") {
                Ok(Some(chunk)) => self.text.push_str(std::str::from_utf8(&chunk).unwrap()),
                Ok(None) | Err(_) => break,
            }
        }
        self.events()
    }

    /// The complete events so far: the id, and the result.
    fn events(&self) -> Vec<(String, Value)> {
        let complete = self.text.rsplit_once("\n\n").map_or("", |(complete, _)| complete);
        let event = |block: &str| {
            let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
            let data: Value = serde_json::from_str(&field("data: ")?).unwrap();
            Some((field("id: ").unwrap_or_default(), data["result"].clone()))
        };
        complete.split("\n\n").filter_map(event).collect()
    }
}

async fn scene(home: &Home, script: Script) -> (Platform, FakeAgent, Agent, Agent) {
    let platform = home.start().await;
    let agent = FakeAgent::start(Mood::Events(script)).await;
    let (alice, bob) = (platform.external("alice").await, platform.external("bob").await);
    let body = json!({ "id": bob.id, "url": agent.url, "agent_card": { "name": "bob" } });
    platform.call("POST", "/registry/register", Some(&bob.token), &body).await.expect(200);
    (platform, agent, alice, bob)
}

fn gated() -> (Script, Arc<Semaphore>) {
    let go = Arc::new(Semaphore::new(0));
    (Script { go: Some(Arc::clone(&go)), ..Script::of(results()) }, go)
}

#[tokio::test]
async fn events_go_out_as_they_come_and_a_reader_that_was_cut_off_reads_on() {
    let (script, go) = gated();
    let home = Home::new(&[]);
    let (platform, _agent, alice, bob) = scene(&home, script).await;
    let mut reader = Reader::send(&platform, &alice, &bob).await;
    go.add_permits(2);
    let seen = reader.read(2).await;
    assert_eq!((&seen[0].1["id"], seen.len()), (&json!("own"), 2), "and the agent has not gone on yet");
    drop(reader);

    // Two read on, one after what it saw, one from where the task is now.
    let mut on = Reader::after(&platform, &alice, &bob, &seen[0].0).await;
    assert_eq!(on.read(1).await[0], seen[1]);
    let mut now = Reader::after(&platform, &alice, &bob, "").await;
    let snapshot = &now.read(1).await[0].1;
    assert_eq!(snapshot["artifacts"][0]["parts"][0]["text"], "one");
    go.add_permits(2);
    let (on, now) = (on.read(9).await, now.read(9).await);
    assert_eq!((on.len(), now.len()), (3, 3));
    assert_eq!(on[1..], now[1..]);
    assert_eq!(on[2].1["status"]["state"], "completed");
}

#[tokio::test]
async fn a_platform_that_dies_in_the_middle_of_a_stream_keeps_what_was_seen() {
    let (script, go) = gated();
    let home = Home::lasting(&[]);
    let (mut platform, agent, alice, bob) = scene(&home, script).await;
    let mut reader = Reader::send(&platform, &alice, &bob).await;
    go.add_permits(2);
    let seen = reader.read(2).await;
    platform.process.kill();
    assert_eq!(reader.read(9).await, seen, "cut off");

    let platform = home.start().await;
    let mut now = Reader::after(&platform, &alice, &bob, "").await;
    assert_eq!(now.read(1).await[0].1["artifacts"][0]["parts"][0]["text"], "one");
    let mut on = Reader::after(&platform, &alice, &bob, &seen[0].0).await;
    assert_eq!(on.read(1).await, seen[1..]);
    // Perhaps delivered: it is not sent again, and the agent may still answer.
    let got = agent.got();
    let queue_id = got[0].headers["x-molecule-queue-id"].to_str().unwrap();
    let epoch: u64 = got[0].headers["x-molecule-slot-epoch"].to_str().unwrap().parse().unwrap();
    let path = format!("/workspaces/{}/a2a/queue/{queue_id}/result", bob.id);
    let task = json!({ "kind": "task", "id": "own", "contextId": "c", "status": { "state": "completed" } });
    let answer = json!({ "jsonrpc": "2.0", "id": 1, "result": task });
    let result = json!({ "slot_epoch": epoch, "status": 200, "body": answer });
    platform.call("POST", &path, Some(&bob.token), &result).await.expect(200);
    for mut reader in [now, on] {
        let events = reader.read(9).await;
        assert_eq!(events.last().unwrap().1["status"]["state"], "completed", "{events:?}");
    }
    assert_eq!(agent.got().len(), 1, "delivered once");
}

#[tokio::test]
async fn a_stream_to_somebody_who_is_busy_tells_where_the_message_is_and_ends() {
    let home = Home::new(&[("A2A_SYNC_WAIT_SECONDS", "0.2")]);
    let (platform, agent, alice, bob) = scene(&home, Script::of(results())).await;
    agent.set(Mood::Status(503));
    let events = Reader::send(&platform, &alice, &bob).await.read(9).await;
    assert_eq!((events.len(), &events[0].1["status"]["state"]), (1, &json!("submitted")));
    agent.set(Mood::Events(Script::of(results())));
    let task = events[0].1["id"].as_str().unwrap().to_owned();
    let done = async || {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tasks/get", "params": { "id": task } });
        let path = format!("/workspaces/{}/a2a", bob.id);
        let task = platform.call("POST", &path, Some(&alice.token), &body).await.expect(200).body;
        (task["result"]["status"]["state"] == "completed").then_some(())
    };
    eventually("the task is completed", BOUND.max(Duration::from_secs(30)), done).await;
}
