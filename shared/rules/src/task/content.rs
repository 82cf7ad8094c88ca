//! Tasks, messages, artifacts and parts from one generation's form into the other's. What is in the right form already
//! stays as it is; fields that neither generation knows pass.

use serde_json::{Map, Value, json};

use super::state::TaskState;
use crate::envelope::Generation;

/// Marks, as the official SDKs do, data of 1.0 that had to be wrapped because 0.3 knows objects only.
const WRAPPED: &str = "data_part_compat";

/// A task in the form of `generation`.
pub fn task_in(mut task: Value, generation: Generation) -> Value {
    let Value::Object(fields) = &mut task else { return task };
    status_in(fields, generation);
    each(fields.get_mut("history"), |message| message_in(message, generation));
    each(fields.get_mut("artifacts"), |artifact| artifact_in(artifact, generation));
    set_kind(fields, "task", generation);
    task
}

/// The `status` of a task or of an update, in the form of `generation`.
pub(super) fn status_in(fields: &mut Map<String, Value>, generation: Generation) {
    let Some(Value::Object(status)) = fields.get_mut("status") else { return };
    if let Some(state) = status.get("state").and_then(Value::as_str).and_then(TaskState::parse) {
        status.insert("state".to_owned(), json!(state.name(generation)));
    }
    if let Some(message) = status.get_mut("message") {
        *message = message_in(message.take(), generation);
    }
}

/// A message in the form of `generation`.
pub(super) fn message_in(mut message: Value, generation: Generation) -> Value {
    let Value::Object(fields) = &mut message else { return message };
    let role = match (fields.get("role").and_then(Value::as_str), generation) {
        (Some("agent" | "ROLE_AGENT"), Generation::V03) => Some("agent"),
        (Some("agent" | "ROLE_AGENT"), Generation::V10) => Some("ROLE_AGENT"),
        (Some("user" | "ROLE_USER"), Generation::V03) => Some("user"),
        (Some("user" | "ROLE_USER"), Generation::V10) => Some("ROLE_USER"),
        _ => None,
    };
    if let Some(role) = role {
        fields.insert("role".to_owned(), json!(role));
    }
    each(fields.get_mut("parts"), |part| part_in(part, generation));
    set_kind(fields, "message", generation);
    message
}

pub(super) fn artifact_in(mut artifact: Value, generation: Generation) -> Value {
    each(artifact.get_mut("parts"), |part| part_in(part, generation));
    artifact
}

/// 0.3 names the kind of each object; 1.0 does without.
pub(super) fn set_kind(fields: &mut Map<String, Value>, kind: &str, generation: Generation) {
    match generation {
        Generation::V03 => fields.insert("kind".to_owned(), json!(kind)),
        Generation::V10 => fields.remove("kind"),
    };
}

fn each(list: Option<&mut Value>, change: impl Fn(Value) -> Value) {
    for item in list.and_then(Value::as_array_mut).into_iter().flatten() {
        *item = change(item.take());
    }
}

/// A part in the form of `generation`.
fn part_in(part: Value, generation: Generation) -> Value {
    let Value::Object(mut fields) = part else { return part };
    match generation {
        Generation::V10 => to_v10(&mut fields),
        Generation::V03 => to_v03(&mut fields),
    }
    Value::Object(fields)
}

fn to_v10(fields: &mut Map<String, Value>) {
    let kind = fields.remove("kind");
    if kind.as_ref().is_some_and(|kind| kind == "file")
        && let Some(Value::Object(mut file)) = fields.remove("file")
    {
        let names = [("bytes", "raw"), ("uri", "url"), ("mimeType", "mediaType"), ("name", "filename")];
        for (v03, v10) in names {
            if let Some(value) = file.remove(v03) {
                fields.insert(v10.to_owned(), value);
            }
        }
    }
    let wrapped = fields.get_mut("metadata").and_then(Value::as_object_mut).and_then(|hints| hints.remove(WRAPPED));
    if wrapped == Some(Value::Bool(true))
        && let Some(value) = fields.get_mut("data").and_then(|data| data.get_mut("value")).map(Value::take)
    {
        fields.insert("data".to_owned(), value);
    }
}

fn to_v03(fields: &mut Map<String, Value>) {
    if fields.contains_key("kind") {
        return;
    }
    if fields.contains_key("raw") || fields.contains_key("url") {
        let mut file = Map::new();
        for (v10, v03) in [("raw", "bytes"), ("url", "uri"), ("mediaType", "mimeType"), ("filename", "name")] {
            if let Some(value) = fields.remove(v10) {
                file.insert(v03.to_owned(), value);
            }
        }
        fields.insert("kind".to_owned(), json!("file"));
        fields.insert("file".to_owned(), Value::Object(file));
    } else if let Some(data) = fields.get_mut("data") {
        if !data.is_object() {
            *data = json!({ "value": data.take() });
            match fields.get_mut("metadata").and_then(Value::as_object_mut) {
                Some(hints) => _ = hints.insert(WRAPPED.to_owned(), json!(true)),
                None => _ = fields.insert("metadata".to_owned(), json!({ WRAPPED: true })),
            }
        }
        fields.insert("kind".to_owned(), json!("data"));
    } else if fields.contains_key("text") {
        fields.insert("kind".to_owned(), json!("text"));
    }
}
