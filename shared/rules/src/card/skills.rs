//! Skills in the form that clients insist on: `id`, `name`, `description` and `tags`, at least one skill.

use serde_json::{Value, json};

use super::{strings, text};

/// The skills of a card. A bare string is a skill of that name; an agent that names none has one, its description.
pub(super) fn skills(own: &Value, name: &str, description: &str) -> Vec<Value> {
    let named: Vec<Value> = own.as_array().into_iter().flatten().filter_map(skill).collect();
    if named.is_empty() {
        return vec![json!({ "id": "default", "name": name, "description": description, "tags": ["agent"] })];
    }
    named
}

fn skill(own: &Value) -> Option<Value> {
    if let Some(name) = own.as_str().filter(|name| !name.trim().is_empty()) {
        return Some(json!({ "id": name, "name": name, "description": name, "tags": [name] }));
    }
    let id = text(own, "id").or_else(|| text(own, "name"))?;
    let name = text(own, "name").unwrap_or(id);
    let tags = strings(&own["tags"]);
    let mut skill = json!({
        "id": id,
        "name": name,
        "description": text(own, "description").unwrap_or(name),
        "tags": if tags.is_empty() { vec![id] } else { tags },
    });
    for field in ["examples", "inputModes", "outputModes"] {
        let given = strings(&own[field]);
        if !given.is_empty() {
            skill[field] = json!(given);
        }
    }
    Some(skill)
}
