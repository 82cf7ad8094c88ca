use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::envelope::Generation::{self, V03, V10};
use crate::fixtures::{NOW, queued};
use crate::message::{Answer, Message, State};

const ALL: [TaskState; 8] = [
    TaskState::Submitted,
    TaskState::Working,
    TaskState::InputRequired,
    TaskState::AuthRequired,
    TaskState::Completed,
    TaskState::Canceled,
    TaskState::Failed,
    TaskState::Rejected,
];

fn in_state(state: State) -> Message {
    let reason = Some("because".to_owned());
    Message { state, reason, finished_at: state.is_terminal().then_some(NOW), ..queued() }
}

fn answered(status: u16, body: &str) -> Message {
    let head = Answer {
        status,
        content_type: "application/json".to_owned(),
        a2a_version: None,
        task: agent_task(body.as_bytes()),
    };
    Message { reason: None, answer: Some(head), ..in_state(State::Completed) }
}

fn shown(message: &Message, answer: Option<&str>, generation: Generation, asked: Asked<'_>) -> Value {
    let request = br#"{"params":{"message":{"messageId":"m","role":"ROLE_USER","parts":[{"text":"hi"}]}}}"#;
    let view = View { message, depth: Some(3), request: Some(request), answer: answer.map(str::as_bytes) };
    view.task(generation, asked)
}

fn state_of(message: &Message, answer: Option<&str>) -> Value {
    shown(message, answer, V03, Asked::default())["status"]["state"].clone()
}

#[test]
fn states_have_a_name_in_each_generation() {
    for state in ALL {
        for generation in [V03, V10] {
            assert_eq!(TaskState::parse(state.name(generation)), Some(state));
        }
    }
    assert_eq!(TaskState::parse("unknown"), None);
    assert_eq!(TaskState::InputRequired.name(V10), "TASK_STATE_INPUT_REQUIRED");
}

#[test]
fn an_end_is_final_and_nobody_goes_back_to_the_start() {
    for before in ALL {
        for now in ALL {
            let expected = !before.is_terminal() && before != now && now != TaskState::Submitted;
            assert_eq!(is_further(before, now), expected, "{before:?} {now:?}");
        }
    }
}

#[test]
fn a_record_without_an_answer_is_a_task_in_the_state_that_it_is_in() {
    for (state, expected) in [
        (State::Queued, "submitted"),
        (State::Dispatched, "working"),
        (State::Delivered, "working"),
        (State::Failed, "failed"),
        (State::Expired, "failed"),
        (State::Dropped, "failed"),
        (State::Cancelled, "canceled"),
        (State::Coalesced, "canceled"),
    ] {
        let message = in_state(state);
        let task = shown(&message, None, V03, Asked::default());
        assert_eq!(task["status"]["state"], expected);
        assert_eq!(task["kind"], "task");
        assert_eq!(task["id"], message.id.to_string());
        assert_eq!(task["metadata"], json!({ "queue_id": message.id, "status": state, "queue_depth": 3 }));
        let told = task["status"]["message"]["parts"][0]["text"].as_str().unwrap();
        assert!(told.contains("because"), "{told}");
    }
}

#[test]
fn an_answer_decides_the_state_of_a_completed_message() {
    let message = r#"{"result":{"kind":"message","messageId":"a","role":"agent","parts":[]}}"#;
    let working = r#"{"result":{"kind":"task","id":"t","contextId":"c","status":{"state":"working"}}}"#;
    let rejected = r#"{"result":{"task":{"id":"t","status":{"state":"TASK_STATE_REJECTED"}}}}"#;
    let error = r#"{"error":{"code":-32603,"message":"broken"}}"#;
    for (status, body, expected) in [
        (200, message, "completed"),
        (200, working, "working"),
        (200, rejected, "rejected"),
        (200, error, "failed"),
        (200, "{\"ok\":true}", "completed"),
        (200, "text", "completed"),
        (400, "{}", "failed"),
    ] {
        assert_eq!(state_of(&answered(status, body), Some(body)), expected, "{body}");
    }
    // It was called off, or given up, whatever its agent had said before.
    let cancelled = Message { state: State::Cancelled, ..answered(200, working) };
    assert_eq!(state_of(&cancelled, Some(working)), "canceled");
    let failed = shown(&answered(200, error), Some(error), V03, Asked::default());
    assert!(failed["status"]["message"]["parts"][0]["text"].as_str().unwrap().contains("broken"));
}

#[test]
fn the_agents_own_task_is_shown_under_the_id_that_was_asked_for() {
    let body = r#"{"result":{"kind":"task","id":"t","contextId":"c","status":{"state":"completed"},"more":1,
        "history":[{"messageId":"1"},{"messageId":"2"},{"messageId":"3"}],"artifacts":[{"artifactId":"x","parts":[]}]}}"#;
    let message = answered(200, body);
    let task = |asked| shown(&message, Some(body), V03, asked);
    assert_eq!(task(Asked::default())["id"], message.id.to_string());
    assert_eq!(task(Asked { id: Some("t"), ..Asked::default() })["id"], "t");
    assert_eq!(task(Asked::default())["more"], 1);
    for (history, expected) in [(None, 3), (Some(9), 3), (Some(2), 2), (Some(0), 0)] {
        let task = task(Asked { history, ..Asked::default() });
        let ids: Vec<&Value> = task["history"].as_array().into_iter().flatten().map(|m| &m["messageId"]).collect();
        assert_eq!(ids, ["1", "2", "3"][3 - expected..].iter().collect::<Vec<_>>(), "{history:?}");
    }
    assert_eq!(task(Asked { bare: true, ..Asked::default() }).get("artifacts"), None);
}

#[test]
fn a_message_answer_becomes_history_and_artifact() {
    let body =
        r#"{"result":{"message":{"role":"ROLE_AGENT","messageId":"a","contextId":"cc","parts":[{"text":"HI"}]}}}"#;
    let task = shown(&answered(200, body), Some(body), V03, Asked::default());
    assert_eq!(task["contextId"], "cc");
    assert_eq!(task["artifacts"][0]["parts"], json!([{ "kind": "text", "text": "HI" }]));
    let roles: Vec<&Value> = task["history"].as_array().unwrap().iter().map(|message| &message["role"]).collect();
    assert_eq!(roles, ["user", "agent"]);
    let task = shown(&answered(200, body), Some(body), V10, Asked::default());
    assert_eq!(task["artifacts"][0]["parts"], json!([{ "text": "HI" }]));
    assert_eq!(task["history"][0]["role"], "ROLE_USER");
    assert!(!task.to_string().contains("\"kind\""), "{task}");
}

#[test]
fn parts_go_from_one_generation_to_the_other_and_back() {
    for (v03, v10) in [
        (
            json!({ "kind": "text", "text": "a", "metadata": { "m": 1 } }),
            json!({ "text": "a", "metadata": { "m": 1 } }),
        ),
        (
            json!({ "kind": "file", "file": { "bytes": "AA==", "mimeType": "image/png", "name": "p" } }),
            json!({ "raw": "AA==", "mediaType": "image/png", "filename": "p" }),
        ),
        (json!({ "kind": "file", "file": { "uri": "https://x" } }), json!({ "url": "https://x" })),
        (json!({ "kind": "data", "data": { "a": 1 } }), json!({ "data": { "a": 1 } })),
        (
            json!({ "kind": "data", "data": { "value": [1] }, "metadata": { "data_part_compat": true } }),
            json!({ "data": [1], "metadata": {} }),
        ),
    ] {
        let message = |part: &Value| json!({ "messageId": "m", "parts": [part] });
        let told = |part: &Value, generation| content::message_in(message(part), generation)["parts"][0].clone();
        assert_eq!(told(&v03, V10), v10);
        assert_eq!(told(&v10, V03), v03);
        assert_eq!((told(&v03, V03), told(&v10, V10)), (v03, v10));
    }
}

#[test]
fn the_task_of_an_answer_is_found_in_every_form() {
    let open = Some(AgentTask { id: "t".to_owned(), state: Some(TaskState::Working), context_id: None });
    let named = Some(AgentTask { id: "t".to_owned(), state: None, context_id: Some("c".to_owned()) });
    let long = "t".repeat(257);
    for (body, expected) in [
        (r#"{"result":{"kind":"task","id":"t","status":{"state":"working"}}}"#.to_owned(), &open),
        (r#"{"result":{"task":{"id":"t","status":{"state":"TASK_STATE_WORKING"}}}}"#.to_owned(), &open),
        (r#"{"result":{"id":"t","status":{"state":"TASK_STATE_WORKING"}}}"#.to_owned(), &open),
        (r#"{"result":{"kind":"message","messageId":"m","taskId":"t","contextId":"c","parts":[]}}"#.to_owned(), &named),
        (r#"{"result":{"message":{"messageId":"m","taskId":"t","contextId":"c","parts":[]}}}"#.to_owned(), &named),
        (r#"{"result":{"kind":"message","messageId":"m","parts":[]}}"#.to_owned(), &None),
        (r#"{"result":{"id":7,"status":{"state":"working"}}}"#.to_owned(), &None),
        (r#"{"result":{"id":"t","status":{"state":"odd"}}}"#.to_owned(), &None),
        (r#"{"result":"t"}"#.to_owned(), &None),
        (r#"{"error":{"code":1,"message":""}}"#.to_owned(), &None),
        ("no JSON".to_owned(), &None),
        (format!(r#"{{"result":{{"id":"{long}","status":{{"state":"working"}}}}}}"#), &None),
    ] {
        assert_eq!(&agent_task(body.as_bytes()), expected, "{body}");
    }
    let is_open = |task: &Option<AgentTask>| task.as_ref().is_some_and(AgentTask::is_open);
    assert_eq!((is_open(&open), is_open(&named)), (true, false));
}

#[test]
fn a_stored_answer_is_renewed_in_its_own_form() {
    let task = json!({ "id": "t", "status": { "state": "completed" } });
    let renew = |stored: &str| renewed(stored.as_bytes(), task.clone());
    let read = |bytes: Option<Vec<u8>>| serde_json::from_slice::<Value>(&bytes.unwrap()).unwrap();
    let v03 = read(renew(r#"{"jsonrpc":"2.0","id":7,"result":{"kind":"task","id":"t"}}"#));
    assert_eq!(v03, json!({ "jsonrpc": "2.0", "id": 7, "result": task }));
    assert_eq!(read(renew(r#"{"id":7,"result":{"task":{"id":"t"}}}"#)), json!({ "id": 7, "result": { "task": task } }));
    assert_eq!(renew(r#"{"error":{}}"#), None);
    assert_eq!(renew("x"), None);
}

proptest! {
    #[test]
    fn whatever_an_agent_answers_it_is_shown(body in ".{0,60}", wrapped in any::<bool>()) {
        let quoted = Value::from(body.clone()).to_string();
        let body = if wrapped { format!(r#"{{"result":{{"id":{quoted},"status":{quoted},"parts":{quoted}}}}}"#) } else { body };
        for generation in [V03, V10] {
            let task = shown(&answered(200, &body), Some(&body), generation, Asked::default());
            prop_assert!(task["status"]["state"].is_string());
        }
    }
}
