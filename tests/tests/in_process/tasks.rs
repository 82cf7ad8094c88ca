//! A2A tasks: the hub's records in the protocol's own terms, with and without the agent.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{ADMIN, Agent, Answer, FakeAgent, Mood, World};

const NOWHERE: &str = "http://127.0.0.1:9/";

fn send(method: &str, id: &str, configuration: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": format!("rpc-{id}"), "method": method, "params": {
        "message": { "role": "user", "messageId": id, "contextId": "c", "parts": [{ "kind": "text", "text": "hi" }] },
        "configuration": configuration,
    } })
}

/// An agent's answer with its task.
fn task(state: &str) -> String {
    json!({ "jsonrpc": "2.0", "id": "x", "result": { "kind": "task", "id": "own-1", "contextId": "c",
        "status": { "state": state }, "artifacts": [{ "artifactId": "a", "parts": [{ "kind": "text", "text": "r" }] }] } })
    .to_string()
}

struct Scene {
    world: World,
    agent: FakeAgent,
    alice: Agent,
    bob: Agent,
}

impl Scene {
    async fn new(mood: Mood) -> Self {
        let world = World::new().await;
        let agent = FakeAgent::start(mood).await;
        let (alice, bob) = (world.online("alice", NOWHERE).await, world.online("bob", &agent.url).await);
        Self { world, agent, alice, bob }
    }

    async fn post(&self, token: &str, version: Option<&str>, body: &Value) -> Answer {
        let headers: Vec<_> = version.iter().map(|version| ("a2a-version", *version)).collect();
        let path = format!("/workspaces/{}/a2a", self.bob.id);
        self.world.raw("POST", &path, Some(token), &headers, body.to_string().as_bytes()).await
    }

    async fn ask(&self, token: &str, method: &str, params: &Value) -> Value {
        let body = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params });
        let answer = self.post(token, None, &body).await.expect(200);
        assert_eq!(answer.body["id"], 7);
        answer.body
    }

    /// Sends as alice, who does not wait; the task's id.
    async fn sent(&self, id: &str) -> String {
        let answer = self.post(&self.alice.token, None, &send("message/send", id, &json!({ "blocking": false }))).await;
        answer.expect(200).body["result"]["id"].as_str().unwrap().to_owned()
    }

    async fn get(&self, id: &str) -> Value {
        self.ask(&self.alice.token, "tasks/get", &json!({ "id": id })).await["result"].clone()
    }

    fn asked(&self) -> Vec<Value> {
        self.agent.got().iter().map(|got| serde_json::from_str(&got.body).unwrap()).collect()
    }
}

#[tokio::test]
async fn who_speaks_the_protocol_gets_a_task_instead_of_the_202() {
    let scene = Scene::new(Mood::Status(503)).await;
    scene.world.advance(Duration::from_secs(100));
    let none = json!({});
    for (id, method, version, configuration) in [
        ("a", "message/send", Some("0.3"), &none),
        ("b", "message/send", None, &json!({ "blocking": false })),
        ("c", "SendMessage", None, &none),
        ("d", "SendMessage", Some("1.0"), &json!({ "returnImmediately": true })),
    ] {
        let answer = scene.post(&scene.alice.token, version, &send(method, id, configuration)).await.expect(200);
        let queue_id = answer.headers["x-molecule-queue-id"].clone();
        assert_eq!(answer.headers["location"], format!("/workspaces/{}/a2a/queue/{queue_id}", scene.bob.id));
        assert_eq!(answer.headers["retry-after"], "2");
        assert_eq!(answer.body["id"], format!("rpc-{id}"));
        let result = &answer.body["result"];
        let (task, state, version) = match method {
            "SendMessage" => (&result["task"], "TASK_STATE_SUBMITTED", "1.0"),
            _ => (result, "submitted", "0.3"),
        };
        assert_eq!(answer.headers["a2a-version"], version);
        assert_eq!((&task["id"], &task["contextId"]), (&json!(queue_id), &json!("c")));
        assert_eq!(task["status"]["state"], state);
        assert_eq!(task.get("kind"), (version == "0.3").then_some(&json!("task")));
        assert_eq!((&task["metadata"]["queue_id"], &task["metadata"]["status"]), (&json!(queue_id), &json!("queued")));
        assert!(task["metadata"]["queue_depth"].as_u64() >= Some(1), "{task}");
        assert!(task.to_string().contains("the workspace is offline"), "{task}");
    }
    let plain = scene.post(&scene.alice.token, None, &send("message/send", "e", &none)).await.expect(202);
    assert_eq!(plain.body["queued"], true);
    // The same message again, in the protocol's terms: the same task.
    let again = scene.post(&scene.alice.token, Some("0.3"), &send("message/send", "e", &none)).await.expect(200);
    assert_eq!(again.body["result"]["id"], plain.body["queue_id"]);
}

#[tokio::test]
async fn an_end_without_an_answer_is_a_task_that_failed_or_was_canceled() {
    let scene = Scene::new(Mood::Status(503)).await;
    scene.world.advance(Duration::from_secs(100));
    let message = send("message/send", "m", &json!({}));
    let queued = scene.post(&scene.alice.token, Some("0.3"), &message).await.expect(200);
    let id = queued.body["result"]["id"].as_str().unwrap();
    let path = format!("/workspaces/{}/a2a/queue/{id}", scene.bob.id);
    scene.world.call("DELETE", &path, Some(&scene.alice.token), &Value::Null).await.expect(200);
    let ended = scene.post(&scene.alice.token, Some("0.3"), &message).await.expect(200);
    assert_eq!(ended.body["result"]["status"]["state"], "canceled");
    assert!(ended.body["result"]["status"]["message"].to_string().contains("cancelled by"), "{}", ended.text);
    let plain = scene.post(&scene.alice.token, None, &message).await;
    assert_eq!((plain.status, plain.code()), (409, "message_cancelled"));

    let message = send("SendMessage", "n", &json!({}));
    scene.post(&scene.alice.token, None, &message).await.expect(200);
    scene.world.advance(Duration::from_secs(13 * 24 * 3600));
    scene.world.sweep().await;
    let listed = scene.ask(&scene.alice.token, "ListTasks", &json!({ "status": "TASK_STATE_FAILED" })).await;
    assert!(listed["result"]["tasks"][0]["status"]["message"].to_string().contains("expired"), "{listed}");
}

#[tokio::test]
async fn the_agents_version_comes_back_with_its_answer() {
    let done = task("completed");
    let scene = Scene::new(Mood::InVersion("1.0", done.clone())).await;
    let id = scene.sent("m").await;
    scene.world.settle().await;
    let message = send("message/send", "m", &json!({ "blocking": false }));
    let answer = scene.post(&scene.alice.token, Some("0.3"), &message).await.expect(200);
    assert_eq!((answer.text, answer.headers["a2a-version"].as_str()), (done, "1.0"));
    assert_eq!(answer.headers["x-molecule-queue-id"], id);
    scene.agent.set(Mood::InVersion(" ", task("completed")));
    let message = send("SendMessage", "n", &json!({}));
    scene.post(&scene.alice.token, None, &message).await.expect(200);
    scene.world.settle().await;
    assert_eq!(scene.agent.got().last().unwrap().headers["a2a-version"], "1.0", "the names of 1.0 say so");
    let answer = scene.post(&scene.alice.token, None, &message).await.expect(200);
    assert_eq!(answer.headers.get("a2a-version"), None, "none means 0.3");
}

#[tokio::test]
async fn a_task_is_known_by_its_queue_id_and_by_its_agents_own_id() {
    let scene = Scene::new(Mood::Answer(task("completed"))).await;
    let id = scene.sent("m").await;
    assert_eq!(scene.get(&id).await["status"]["state"], "submitted");
    scene.world.settle().await;
    for asked in [id.as_str(), "own-1"] {
        let found = scene.get(asked).await;
        assert_eq!((&found["id"], &found["status"]["state"]), (&json!(asked), &json!("completed")));
        assert_eq!(found["artifacts"][0]["parts"][0]["text"], "r");
        assert_eq!(found["metadata"]["queue_id"], id);
    }
    let v10 = scene.ask(&scene.alice.token, "GetTask", &json!({ "id": id })).await;
    assert_eq!(v10["result"]["status"]["state"], "TASK_STATE_COMPLETED");
    assert_eq!(v10["result"]["artifacts"][0]["parts"][0], json!({ "text": "r" }));
    assert_eq!(scene.agent.got().len(), 1, "what is over is answered from the record");

    // Its sender, its target and operators may know it; to anybody else it is as if it were not.
    let carol = scene.world.online("carol", NOWHERE).await;
    let get = json!({ "id": id });
    for token in [&scene.bob.token, ADMIN] {
        assert_eq!(scene.ask(token, "tasks/get", &get).await["result"]["id"], id);
    }
    let unknown = scene.ask(&carol.token, "tasks/get", &json!({ "id": "99999999-9999-4999-8999-999999999999" })).await;
    assert_eq!(unknown["error"]["code"], -32001);
    assert_eq!(unknown["error"]["data"][0]["reason"], "TASK_NOT_FOUND");
    assert_eq!(unknown["error"]["data"][0]["domain"], "a2a-protocol.org");
    for (method, hidden) in [("tasks/get", &get), ("tasks/cancel", &get), ("tasks/get", &json!({ "id": "own-1" }))] {
        assert_eq!(scene.ask(&carol.token, method, hidden).await, unknown, "{method} {hidden}");
    }
    // Another's message to the same task takes nobody's name away.
    scene.post(&carol.token, None, &send("message/send", "other", &json!({ "blocking": false }))).await.expect(200);
    scene.world.settle().await;
    assert_eq!(scene.get("own-1").await["metadata"]["queue_id"], id);
    let theirs = scene.ask(&carol.token, "tasks/get", &json!({ "id": "own-1" })).await;
    assert_ne!(theirs["result"]["metadata"]["queue_id"], id);
}

#[tokio::test]
async fn an_agents_open_task_is_asked_for_and_kept() {
    let scene = Scene::new(Mood::Answer(task("working"))).await;
    let id = scene.sent("m").await;
    scene.world.settle().await;
    scene.agent.set(Mood::Answer(task("input-required")));
    let open = scene.get(&id).await;
    assert_eq!((&open["id"], &open["status"]["state"]), (&json!(id), &json!("input-required")));
    let question = &scene.asked()[1];
    assert_eq!((&question["method"], &question["params"]["id"]), (&json!("tasks/get"), &json!("own-1")));
    let headers = &scene.agent.got()[1].headers;
    assert!(headers["authorization"].to_str().unwrap().starts_with("Bearer "));
    assert_eq!(headers["x-workspace-id"], scene.alice.id);

    // Nonsense, errors, another's task and a step back change nothing.
    let other = task("completed").replace("own-1", "own-2");
    let error = r#"{"error":{"code":-32001,"message":"gone"}}"#.to_owned();
    for answer in ["{}".to_owned(), error, other, task("submitted")] {
        scene.agent.set(Mood::Answer(answer));
        assert_eq!(scene.get(&id).await["status"]["state"], "input-required");
    }
    // A message to the task by its queue id reaches the agent under its own id.
    let mut more = send("message/send", "more", &json!({ "blocking": false }));
    more["params"]["message"]["taskId"] = json!(id);
    scene.agent.set(Mood::Answer(task("working")));
    scene.post(&scene.alice.token, None, &more).await.expect(200);
    scene.world.settle().await;
    assert_eq!(scene.asked().last().unwrap()["params"]["message"]["taskId"], "own-1");

    scene.agent.set(Mood::Answer(task("completed")));
    assert_eq!(scene.get(&id).await["status"]["state"], "completed");
    scene.world.advance(Duration::from_secs(100));
    let before = scene.agent.got().len();
    assert_eq!(scene.get(&id).await["status"]["state"], "completed", "kept, and the agent is gone");
    let again = scene.post(&scene.alice.token, None, &send("message/send", "m", &json!({ "blocking": false }))).await;
    assert_eq!(again.expect(200).body["result"]["status"]["state"], "completed");
    assert_eq!(scene.agent.got().len(), before);
}

#[tokio::test]
async fn tasks_are_canceled_where_they_are() {
    let scene = Scene::new(Mood::Later).await;
    let cancel = async |id: &str| scene.ask(&scene.alice.token, "tasks/cancel", &json!({ "id": id })).await;
    let (held, waiting) = (scene.sent("held").await, scene.sent("waiting").await);
    scene.world.settle().await;
    assert_eq!(scene.get(&held).await["status"]["state"], "working");
    let theirs = scene.ask(&scene.bob.token, "tasks/cancel", &json!({ "id": waiting })).await;
    assert_eq!(theirs["error"]["code"], -32002, "the target sees it and may not call it off");
    for id in [&waiting, &held] {
        assert_eq!(cancel(id).await["result"]["status"]["state"], "canceled");
        let again = cancel(id).await;
        assert_eq!(
            (&again["error"]["code"], &again["error"]["data"][0]["reason"]),
            (&json!(-32002), &json!("TASK_NOT_CANCELABLE"))
        );
    }
    let cancelled = scene.world.events(&scene.bob.id).await;
    assert_eq!(cancelled.iter().filter(|event| *event == "MESSAGE_CANCELLED").count(), 2);
    scene.world.settle().await;

    // A task of the agent's own is the agent's to cancel.
    scene.agent.set(Mood::Answer(task("working")));
    let open = scene.sent("open").await;
    scene.world.settle().await;
    scene.agent.set(Mood::Answer(r#"{"error":{"code":-32002,"message":"too late"}}"#.into()));
    let refused = cancel(&open).await;
    assert_eq!(refused["error"]["code"], -32002);
    assert!(refused["error"]["message"].as_str().unwrap().contains("too late"));
    scene.agent.set(Mood::Answer(task("canceled")));
    let v10 = scene.ask(&scene.alice.token, "CancelTask", &json!({ "id": "own-1" })).await;
    assert_eq!(v10["result"]["status"]["state"], "TASK_STATE_CANCELED");
    assert_eq!(scene.asked().last().unwrap()["method"], "tasks/cancel");
    assert_eq!(scene.get(&open).await["status"]["state"], "canceled");
    assert_eq!(cancel(&open).await["error"]["code"], -32002);
}

#[tokio::test]
async fn a_sender_lists_its_own_tasks() {
    let scene = Scene::new(Mood::Answer(task("completed"))).await;
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.insert(0, scene.sent(&format!("m{number}")).await);
        scene.world.advance(Duration::from_millis(1));
    }
    scene.post(ADMIN, None, &send("message/send", "admin", &json!({ "blocking": false }))).await.expect(200);
    let (mut token, mut found) = (String::new(), Vec::new());
    for _ in 0..5 {
        let page = scene.ask(&scene.alice.token, "ListTasks", &json!({ "pageSize": 2, "pageToken": token })).await;
        let tasks = page["result"]["tasks"].as_array().unwrap();
        assert!(tasks.len() <= 2);
        found.extend(tasks.iter().map(|task| task["id"].as_str().unwrap().to_owned()));
        token = page["result"]["nextPageToken"].as_str().unwrap().to_owned();
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(found, ids);
    scene.world.settle().await;
    let list =
        async |params: Value| scene.ask(&scene.alice.token, "ListTasks", &params).await["result"]["tasks"].clone();
    let bare = list(json!({ "status": "TASK_STATE_COMPLETED", "contextId": "c" })).await;
    assert_eq!(bare.as_array().unwrap().len(), 5);
    assert_eq!((bare[0].get("artifacts"), bare[0].get("history")), (None, None));
    assert!(list(json!({ "includeArtifacts": true, "pageSize": 1 })).await[0]["artifacts"].is_array());
    for nothing in [json!({ "contextId": "other" }), json!({ "status": "TASK_STATE_FAILED" })] {
        assert_eq!(list(nothing).await, json!([]));
    }
    for wrong in [json!({ "pageSize": 101 }), json!({ "pageToken": "x" }), json!({ "status": "odd" }), json!([1])] {
        assert_eq!(scene.ask(ADMIN, "ListTasks", &wrong).await["error"]["code"], -32602, "{wrong}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_call_is_told_in_its_own_terms() {
    let scene = Scene::new(Mood::Answer("{}".into())).await;
    for params in [json!({}), json!({ "id": "" }), json!({ "id": 5 }), json!([])] {
        assert_eq!(scene.ask(ADMIN, "tasks/get", &params).await["error"]["code"], -32602, "{params}");
    }
    let id = scene.sent("m").await;
    let history = json!({ "id": id, "historyLength": "many" });
    assert_eq!(scene.ask(ADMIN, "tasks/get", &history).await["error"]["code"], -32602);
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "GetTask", "params": { "id": id } });
    let newer = scene.post(ADMIN, Some("2.0"), &body).await.expect(200);
    assert_eq!(newer.body["error"]["code"], -32009);
    for method in ["SendMessage", "message/send", "tasks/pushNotificationConfig/get"] {
        let newer = scene.post(ADMIN, Some("2.0"), &send(method, "newer", &json!({}))).await.expect(200);
        assert_eq!((&newer.body["error"]["code"], &newer.body["id"]), (&json!(-32009), &json!("rpc-newer")));
    }
    let newer = scene.post(ADMIN, Some("2.0"), &send("SendStreamingMessage", "newer", &json!({}))).await.expect(200);
    assert!(newer.text.starts_with("data: ") && newer.text.contains("-32009"), "{}", newer.text);
    scene.world.settle().await;
    assert!(scene.agent.got().iter().all(|got| !got.body.contains("newer")), "and nothing was queued");
    // No credential and no right stay what they are over HTTP.
    assert_eq!(scene.post("nonsense", None, &body).await.status, 401);
    let stranger = scene.world.external_below("stranger", Some(&scene.alice.id)).await;
    assert_eq!(scene.post(&stranger.token, None, &body).await.code(), "access_denied");
    // Methods that the hub does not know go to the agent.
    let unknown = json!({ "jsonrpc": "2.0", "id": 1, "method": "tasks/pushNotificationConfig/set", "params": {} });
    scene.post(ADMIN, None, &unknown).await.expect(202);
    scene.world.settle().await;
    assert_eq!(scene.asked().last().unwrap()["method"], "tasks/pushNotificationConfig/set");
}
