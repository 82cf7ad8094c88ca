use serde_json::{Value, json};

use super::*;
use crate::envelope::Generation::{V03, V10};

fn read(result: &Value) -> Option<StreamEvent> {
    StreamEvent::read(json!({ "jsonrpc": "2.0", "id": 1, "result": result }).to_string().as_bytes())
}

fn status(state: &str) -> Value {
    json!({ "kind": "status-update", "taskId": "t", "contextId": "c", "status": { "state": state } })
}

fn artifact(text: &str, append: bool) -> Value {
    json!({ "kind": "artifact-update", "taskId": "t", "contextId": "c", "append": append,
            "artifact": { "artifactId": "a", "parts": [{ "kind": "text", "text": text }] } })
}

#[test]
fn an_event_is_known_by_its_shape_in_both_generations() {
    let task = json!({ "id": "t", "status": { "state": "TASK_STATE_WORKING" } });
    let message = json!({ "messageId": "m", "role": "ROLE_AGENT", "parts": [] });
    assert!(matches!(read(&task), Some(StreamEvent::Task(_))));
    assert!(matches!(read(&json!({ "task": task })), Some(StreamEvent::Task(_))));
    assert!(matches!(read(&message), Some(StreamEvent::Message(_))));
    assert!(matches!(read(&json!({ "message": message })), Some(StreamEvent::Message(_))));
    assert!(matches!(read(&status("working")), Some(StreamEvent::Status(_))));
    assert!(matches!(read(&json!({ "statusUpdate": status("TASK_STATE_FAILED") })), Some(StreamEvent::Status(_))));
    assert!(matches!(read(&json!({ "artifactUpdate": artifact("x", false) })), Some(StreamEvent::Artifact(_))));
    assert!(matches!(StreamEvent::read(br#"{"error":{"code":-1,"message":"no"}}"#), Some(StreamEvent::Error(_))));
    for nothing in [json!(null), json!(1), json!({}), json!({ "id": "t" }), json!({ "task": {} }), status("unknown")] {
        assert_eq!(read(&nothing), None, "{nothing}");
    }
    for nothing in [&b"null"[..], b"[]", b"{}", b"x"] {
        assert_eq!(StreamEvent::read(nothing), None);
    }
}

#[test]
fn an_event_is_told_in_the_form_of_its_reader() {
    let event = read(&status("working")).unwrap();
    assert_eq!(
        event.body(V10),
        (
            "result",
            json!({ "statusUpdate": { "taskId": "t", "contextId": "c", "status": { "state": "TASK_STATE_WORKING" } } })
        )
    );
    let (_, told) = event.body(V03);
    assert_eq!((&told["final"], &told["kind"]), (&json!(false), &json!("status-update")));
    let (_, told) = read(&event.body(V10).1).unwrap().body(V03);
    assert_eq!(told["status"]["state"], "working");
    let (_, told) = read(&status("input-required")).unwrap().body(V03);
    assert_eq!(told["final"], true);
    let (_, told) = read(&artifact("x", false)).unwrap().body(V10);
    assert_eq!(told["artifactUpdate"]["artifact"]["parts"], json!([{ "text": "x" }]));
    let error = StreamEvent::read(br#"{"error":{"code":-1,"message":"no"}}"#).unwrap();
    assert_eq!(error.body(V10), ("error", json!({ "code": -1, "message": "no" })));
}

#[test]
fn events_amount_to_the_answer_that_would_have_come_at_once() {
    let mut fold = Fold::default();
    assert_eq!(fold.answer(), None);
    let events = [
        json!({ "kind": "task", "id": "t", "contextId": "c", "status": { "state": "submitted", "message": { "messageId": "s" } } }),
        status("working"),
        artifact("one", false),
        artifact("two", true),
    ];
    for event in events {
        fold.add(&read(&event).unwrap());
        assert!(!fold.is_over());
    }
    assert_eq!(fold.agent_task().unwrap().id, "t");
    fold.add(&read(&status("completed")).unwrap());
    assert!(fold.is_over());
    let (_, told) = fold.answer().unwrap().body(V03);
    assert_eq!(told["status"]["state"], "completed");
    assert_eq!(told["history"], json!([{ "messageId": "s", "kind": "message" }]));
    let parts = &told["artifacts"][0]["parts"];
    assert_eq!((parts[0]["text"].as_str(), parts[1]["text"].as_str()), (Some("one"), Some("two")));
}

#[test]
fn updates_without_a_task_begin_one_and_a_message_is_the_whole_answer() {
    let mut fold = Fold::default();
    fold.add(&read(&artifact("one", true)).unwrap());
    fold.add(&read(&artifact("two", false)).unwrap());
    let (_, told) = fold.answer().unwrap().body(V03);
    assert_eq!((&told["id"], &told["status"]["state"]), (&json!("t"), &json!("working")));
    assert_eq!(told["artifacts"][0]["parts"].as_array().unwrap().len(), 1, "replaced");
    fold.add(&read(&json!({ "kind": "message", "messageId": "m", "parts": [] })).unwrap());
    assert!(fold.is_over());
    assert!(matches!(fold.answer(), Some(StreamEvent::Message(_))));
}

#[test]
fn a_task_can_be_told_as_updates() {
    let task = json!({ "id": "t", "contextId": "c", "status": { "state": "completed" }, "artifacts": [{ "artifactId": "a", "parts": [] }] });
    let mut fold = Fold::default();
    for update in as_updates(&task) {
        fold.add(&update);
    }
    let Some(StreamEvent::Task(told)) = fold.answer() else { panic!("a task") };
    assert_eq!((&told["status"], &told["artifacts"]), (&task["status"], &task["artifacts"]));
    assert!(fold.is_over());
}
