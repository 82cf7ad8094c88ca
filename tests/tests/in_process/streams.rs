//! Answers that come event by event: stored, read live or later, from any event on, in the reader's own form.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Agent, Answer, FakeAgent, Fault, Mood, Script, World};

const NOWHERE: &str = "http://127.0.0.1:9/";

fn status(state: &str) -> Value {
    json!({ "kind": "status-update", "taskId": "own", "contextId": "c", "status": { "state": state }, "final": state == "completed" })
}

fn artifact(text: &str) -> Value {
    json!({ "kind": "artifact-update", "taskId": "own", "contextId": "c", "append": true,
            "artifact": { "artifactId": "a", "parts": [{ "kind": "text", "text": text }] } })
}

fn task(state: &str) -> Value {
    json!({ "kind": "task", "id": "own", "contextId": "c", "status": { "state": state } })
}

fn whole() -> Vec<Value> {
    vec![task("submitted"), status("working"), artifact("one"), artifact("two"), status("completed")]
}

fn send(method: &str, id: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": 5, "method": method, "params": { "message": {
        "role": "user", "messageId": id, "contextId": "c", "parts": [{ "kind": "text", "text": "hi" }] } } })
}

fn subscribe(method: &str, task: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": 6, "method": method, "params": { "id": task } })
}

/// The events of a body: their ids, and what they carry.
fn events(answer: &Answer) -> (Vec<String>, Vec<Value>) {
    assert_eq!(answer.headers["content-type"], "text/event-stream", "{}", answer.text);
    let (mut ids, mut told) = (Vec::new(), Vec::new());
    for line in answer.text.lines() {
        if let Some(id) = line.strip_prefix("id: ") {
            ids.push(id.to_owned());
        } else if let Some(data) = line.strip_prefix("data: ") {
            told.push(serde_json::from_str(data).unwrap());
        } else {
            assert_eq!(line, "");
        }
    }
    (ids, told)
}

fn states(told: &[Value]) -> Vec<&str> {
    told.iter().filter_map(|event| event["result"]["status"]["state"].as_str()).collect()
}

struct Scene {
    world: World,
    alice: Agent,
    bob: Agent,
}

impl Scene {
    async fn new(mood: Mood) -> Self {
        Self::with(mood, &[]).await
    }

    async fn with(mood: Mood, variables: &[(&str, &str)]) -> Self {
        let world = World::with(variables).await;
        let agent = FakeAgent::start(mood).await;
        let (alice, bob) = (world.online("alice", NOWHERE).await, world.online("bob", &agent.url).await);
        Self { world, alice, bob }
    }

    async fn post(&self, after: Option<&str>, body: &Value) -> Answer {
        let headers: Vec<_> = after.iter().map(|id| ("last-event-id", *id)).collect();
        let path = format!("/workspaces/{}/a2a", self.bob.id);
        self.world.raw("POST", &path, Some(&self.alice.token), &headers, body.to_string().as_bytes()).await
    }

    /// Sends, and lets the agent answer.
    async fn sent(&self, method: &str) -> Answer {
        let answer = self.post(None, &send(method, "m")).await.expect(200);
        self.world.settle().await;
        answer
    }

    async fn state(&self) -> String {
        self.world.sound(&self.bob.id).await.messages[0].state.as_str().to_owned()
    }

    async fn get(&self, id: &str) -> Value {
        let body = json!({ "jsonrpc": "2.0", "id": 7, "method": "tasks/get", "params": { "id": id } });
        self.post(None, &body).await.expect(200).body["result"].clone()
    }
}

#[tokio::test]
async fn events_are_read_again_from_any_of_them_on() {
    let scene = Scene::new(Mood::Events(Script::of(whole()))).await;
    // Nobody waited: the sender hears where its message is.
    let (ids, told) = events(&scene.sent("message/stream").await);
    assert_eq!((ids.len(), states(&told)), (0, vec!["submitted"]));

    let answer = scene.post(None, &send("message/stream", "m")).await.expect(200);
    let (ids, told) = events(&answer);
    assert_eq!(told.iter().map(|event| event["result"].clone()).collect::<Vec<_>>().len(), 5);
    assert!(told.iter().all(|event| event["id"] == 5 && event["jsonrpc"] == "2.0"));
    assert_eq!(states(&told), ["submitted", "working", "completed"]);
    assert_eq!(ids.len(), 5);
    for (seen, id) in ids.iter().enumerate() {
        let (rest, told) = events(&scene.post(Some(id), &send("message/stream", "m")).await.expect(200));
        assert_eq!((rest.as_slice(), told.len()), (&ids[seen + 1..], 4 - seen), "after {id}");
        // Whoever has the task's id only, the agent's or the hub's, reads on in the same way.
        for task in ["own", &answer.headers["x-molecule-queue-id"]] {
            let (rest, told) = events(&scene.post(Some(id), &subscribe("tasks/resubscribe", task)).await.expect(200));
            assert_eq!((rest.as_slice(), told.len()), (&ids[seen + 1..], 4 - seen), "after {id}");
            assert!(told.iter().all(|event| event["id"] == 6));
        }
    }
    // The answer on record is what the events amount to.
    let kept = scene.get("own").await;
    let parts = kept["artifacts"][0]["parts"].as_array().unwrap();
    assert_eq!((&kept["status"]["state"], parts.len()), (&json!("completed"), 2));
}

#[tokio::test]
async fn a_reader_of_the_other_generation_reads_its_own_form() {
    let scene = Scene::new(Mood::Events(Script::of(whole()))).await;
    scene.sent("message/stream").await;
    let (_, told) = events(&scene.post(Some("0-0"), &subscribe("SubscribeToTask", "own")).await.expect(200));
    assert_eq!(told[0]["result"]["task"]["status"]["state"], "TASK_STATE_SUBMITTED");
    assert_eq!(told[1]["result"]["statusUpdate"]["status"]["state"], "TASK_STATE_WORKING");
    assert_eq!(told[2]["result"]["artifactUpdate"]["artifact"]["parts"], json!([{ "text": "one" }]));
    let over = &told[4]["result"]["statusUpdate"];
    assert_eq!(
        (&over["status"]["state"], over.get("final"), over.get("kind")),
        (&json!("TASK_STATE_COMPLETED"), None, None)
    );
}

#[tokio::test]
async fn an_agent_that_does_not_stream_answers_in_one_event() {
    let message = json!({ "kind": "message", "messageId": "a", "role": "agent", "parts": [] });
    let bodies = [
        (json!({ "result": task("completed") }), "result", task("completed")),
        (json!({ "result": message }), "result", message),
        (json!({ "error": { "code": -1, "message": "no" } }), "error", json!({ "code": -1, "message": "no" })),
    ];
    for (body, field, expected) in bodies {
        let scene = Scene::new(Mood::Answer(body.to_string())).await;
        scene.sent("message/stream").await;
        let (_, told) = events(&scene.post(None, &send("message/stream", "m")).await.expect(200));
        assert_eq!((told.len(), &told[0][field]), (1, &expected));
    }
    // What is none of the protocol is a task that says so.
    let scene = Scene::new(Mood::Answer("[1]".to_owned())).await;
    scene.sent("message/stream").await;
    let (_, told) = events(&scene.post(None, &send("message/stream", "m")).await.expect(200));
    assert_eq!(states(&told), ["completed"]);
}

#[tokio::test]
async fn a_task_that_is_over_has_no_more_events_and_an_unknown_one_none() {
    let scene = Scene::new(Mood::Events(Script::of(whole()))).await;
    scene.sent("message/stream").await;
    for (task, code) in [("own", -32004), ("nobody", -32001)] {
        let (_, told) = events(&scene.post(None, &subscribe("tasks/resubscribe", task)).await.expect(200));
        assert_eq!((told.len(), &told[0]["error"]["code"]), (1, &json!(code)));
    }
    for id in ["x", "1", "1-", "-1", "1-x", "1-99999999999"] {
        assert_eq!(
            scene.post(Some(id), &subscribe("tasks/resubscribe", "own")).await.expect(400).code(),
            "invalid_header"
        );
    }
    let (_, told) = events(&scene.post(Some("99-1"), &subscribe("tasks/resubscribe", "own")).await.expect(200));
    assert_eq!(told, Vec::<Value>::new());
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_asked_for_its_task() {
    let broken = Script { breaks: true, ..Script::of(vec![task("submitted"), artifact("one")]) };
    let scene = Scene::new(Mood::Events(Script { task: Some(task("completed")), ..broken.clone() })).await;
    scene.sent("message/stream").await;
    assert_eq!(scene.state().await, "completed");
    let (_, told) = events(&scene.post(None, &send("message/stream", "m")).await.expect(200));
    assert_eq!(states(&told), ["submitted", "completed"]);

    // An agent that cannot say has perhaps done it: it is not done again.
    let scene = Scene::new(Mood::Events(broken)).await;
    scene.sent("message/stream").await;
    assert_eq!(scene.state().await, "delivered");
    let (ids, told) = events(&scene.post(None, &subscribe("tasks/resubscribe", "own")).await.expect(200));
    assert_eq!((ids.len(), told.len(), states(&told)), (0, 1, vec!["submitted"]));
    assert_eq!(told[0]["result"]["artifacts"][0]["parts"][0]["text"], "one", "the task as its events tell it");
    scene.world.advance(Duration::from_secs(4000));
    scene.world.sweep().await;
    let (_, told) = events(&scene.post(None, &send("message/stream", "m")).await.expect(200));
    assert_eq!(states(&told), ["submitted", "failed"]);
    assert!(told.last().unwrap()["result"]["final"] == true, "{told:?}");
}

#[tokio::test]
async fn a_stream_without_an_event_is_an_attempt() {
    let scene = Scene::new(Mood::Events(Script::of(vec![json!({ "no": "event" })]))).await;
    scene.sent("message/stream").await;
    let message = scene.world.sound(&scene.bob.id).await.messages.remove(0);
    assert_eq!((message.state.as_str(), message.attempts), ("queued", 1));
}

#[tokio::test]
async fn a_stream_that_ends_while_its_task_works_leaves_the_task_to_the_agent() {
    let script = Script { task: Some(task("completed")), ..Script::of(vec![task("working")]) };
    let scene = Scene::new(Mood::Events(script)).await;
    scene.sent("message/stream").await;
    assert_eq!(scene.state().await, "completed");
    assert_eq!(scene.get("own").await["status"]["state"], "completed", "the agent was asked");
}

#[tokio::test]
async fn many_and_large_events_come_whole() {
    let noise: String =
        (0..480_000_u32).map(|n| char::from(33 + (n.wrapping_mul(2_654_435_761) >> 24) as u8 % 90)).collect();
    let mut results = vec![task("working"), artifact(&noise)];
    results.extend((0..200).map(|n| artifact(&n.to_string())));
    results.push(status("completed"));
    let scene = Scene::new(Mood::Events(Script::of(results))).await;
    scene.sent("message/stream").await;
    let (ids, told) = events(&scene.post(None, &send("message/stream", "m")).await.expect(200));
    assert_eq!((ids.len(), told.len()), (203, 203));
    let text = |event: &Value| event["result"]["artifact"]["parts"][0]["text"].as_str().unwrap().to_owned();
    assert!(text(&told[1]) == noise);
    assert!((0..200).all(|n| text(&told[n + 2]) == n.to_string()));
}

#[tokio::test]
async fn what_ends_without_an_answer_ends_its_stream() {
    let scene = Scene::new(Mood::Status(503)).await;
    let answer = scene.sent("SendStreamingMessage").await;
    let entry = format!("/workspaces/{}/a2a/queue/{}", scene.bob.id, answer.headers["x-molecule-queue-id"]);
    scene.world.call("DELETE", &entry, Some(&scene.alice.token), &Value::Null).await.expect(200);
    let (_, told) = events(&scene.post(None, &send("SendStreamingMessage", "m")).await.expect(200));
    assert_eq!(told[0]["result"]["task"]["status"]["state"], "TASK_STATE_CANCELED");
}

#[tokio::test]
async fn events_that_cannot_be_stored_are_told_with_the_answer() {
    let scene = Scene::new(Mood::Events(Script::of(whole()))).await;
    let answer = scene.post(None, &send("message/stream", "m")).await.expect(200);
    scene.world.gate.inject(|operation, _| (operation == "PutItem").then_some(Fault::ServerError));
    scene.world.settle().await;
    scene.world.gate.heal();
    assert_eq!(scene.state().await, "completed");
    let (ids, told) = events(&scene.post(None, &send("message/stream", "m")).await.expect(200));
    assert_eq!((ids.len(), states(&told)), (0, vec!["completed"]));
    assert_eq!(told[0]["result"]["artifacts"][0]["parts"].as_array().unwrap().len(), 2);
    assert_eq!(answer.headers["a2a-version"], "0.3");
}

#[tokio::test]
async fn nobody_follows_what_is_not_his() {
    let scene = Scene::new(Mood::Events(Script::of(whole()))).await;
    let queue_id = scene.sent("message/stream").await.headers["x-molecule-queue-id"].clone();
    let mallory = scene.world.online("mallory", NOWHERE).await;
    let path = format!("/workspaces/{}/a2a", scene.bob.id);
    for task in ["own", &queue_id] {
        let body = subscribe("tasks/resubscribe", task).to_string();
        let headers = [("last-event-id", "0-0")];
        let answer = scene.world.raw("POST", &path, Some(&mallory.token), &headers, body.as_bytes()).await;
        let (_, told) = events(&answer.expect(200));
        assert_eq!(told[0]["error"]["code"], -32001);
    }
}
