//! Every field of every body with every kind of JSON that it is not.

use serde_json::Value;
use tests::Cast;
use tests::api::assert_same;

use super::refusal::{assert_refused, send, with_bodies, with_field};

/// What is not read by type: passed on, kept as it is, or not kept at all.
const FREE: [(&str, &str); 6] = [
    ("POST /workspaces", "template"),
    ("POST /workspaces/{id}/activity", "request_body"),
    ("POST /workspaces/{id}/activity", "response_body"),
    ("POST /workspaces/{id}/activity", "metadata"),
    ("POST /workspaces/{id}/a2a/queue/{queue_id}/result", "body"),
    ("POST /workspaces/{id}/inbox/{queue_id}/ack", "response"),
];

/// Every field with its value, by its path with dots.
fn fields(value: &Value, path: &str, found: &mut Vec<(String, Value)>) {
    for (name, value) in value.as_object().into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        fields(value, &path, found);
        found.push((path, value.clone()));
    }
}

/// JSON of every kind but that of `value`, and but null, which is no value at all.
fn others(value: &Value) -> Vec<&'static str> {
    let all = [
        "true",
        "\"text\"",
        "\"5\"",
        "\"\"",
        "5",
        "[]",
        "[1]",
        "{}",
        "{\"a\":1}",
        "[null]",
        "1e999",
        "-1e999",
        "NaN",
        "Infinity",
    ];
    let own = |json: &str| match value {
        Value::String(_) | Value::Null => json.starts_with('"'),
        Value::Number(_) => json == "5",
        Value::Bool(_) => json == "true",
        Value::Object(_) => json.starts_with('{'),
        Value::Array(_) => json.starts_with('['),
    };
    all.into_iter().filter(|json| !own(json)).collect()
}

#[tokio::test]
async fn a_field_of_another_type_is_refused() {
    let cast = Cast::new().await;
    let mut tried = 0;
    for request in with_bodies(&cast).into_iter().filter(|request| request.key != "POST /workspaces/{id}/a2a") {
        let before = cast.world.table().await;
        let mut all = Vec::new();
        fields(&request.body, "", &mut all);
        let free = |path: &str| {
            let inner = ["agent_card.", "body.", "response."].iter().any(|free| path.starts_with(free));
            inner || FREE.iter().any(|(key, name)| *key == request.key && *name == path)
        };
        for (path, value) in all.into_iter().filter(|(path, _)| !free(path)) {
            for json in others(&value) {
                let told = format!("{} with {path}: {json}", request.key);
                let answer = send(&cast, &request, &[], &with_field(&request, &path, json)).await;
                assert_refused(&answer, &told);
                assert_eq!(answer.status, 400, "{told}: {}", answer.text);
                tried += 1;
            }
        }
        assert_same(&before, &cast.world.table().await, request.key);
    }
    assert!(tried > 500, "{tried}");
}

#[tokio::test]
async fn a_required_field_that_is_missing_or_null_is_named() {
    let cast = Cast::new().await;
    let before = cast.world.table().await;
    for (key, required) in [
        ("POST /workspaces", &["name"][..]),
        ("POST /registry/check-access", &["caller_id", "target_id"]),
        ("POST /registry/register", &["id", "agent_card"]),
        ("POST /registry/update-card", &["workspace_id", "agent_card"]),
        ("POST /registry/heartbeat", &["workspace_id"]),
        ("POST /workspaces/{id}/a2a/queue/{queue_id}/result", &["slot_epoch", "status", "body"]),
    ] {
        let request = super::refusal::request(&cast, key);
        for field in required {
            let mut without = request.clone();
            without.body.as_object_mut().unwrap().remove(*field);
            let answer = send(&cast, &without, &[], &without.bytes()).await;
            assert_refused(&answer, key);
            assert!(answer.body["error"].as_str().unwrap().contains(field), "{key} without {field}: {}", answer.text);
            if *field != "body" {
                let answer = send(&cast, &request, &[], &with_field(&request, field, "null")).await;
                assert_refused(&answer, &format!("{key} with {field}: null"));
            }
        }
    }
    assert_same(&before, &cast.world.table().await, "it");
}

#[tokio::test]
async fn the_ids_of_a_message_are_strings() {
    let cast = Cast::new().await;
    let request = super::refusal::request(&cast, "POST /workspaces/{id}/a2a");
    let before = cast.world.table().await;
    for field in ["messageId", "contextId", "taskId"] {
        for json in ["5", "true", "[]", "{}", "[\"m\"]", "1e999", "NaN"] {
            let body = with_field(&request, &format!("params.message.{field}"), json);
            assert_refused(&send(&cast, &request, &[], &body).await, &format!("{field}: {json}"));
        }
    }
    assert_same(&before, &cast.world.table().await, "it");
}
