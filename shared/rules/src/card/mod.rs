//! The hub's agent card of a workspace: what the agent says of itself, and the hub where it says how to reach it.
//!
//! One document for clients of A2A 0.3 and of 1.0; neither minds the other's fields. Only known fields pass, because an
//! agent's own address and its own credentials are nobody's business here. Signatures do not outlive a change of what
//! they sign, so they go; the original can be had beside it.

mod skills;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

use crate::envelope::Generation;
use crate::workspace::Workspace;

/// What both generations call the hub's scheme.
const SCHEME: &str = "bearer";
const TEXT: [&str; 1] = ["text/plain"];

/// The card under which the hub serves a workspace. `url` is where the hub takes its messages.
pub fn hub_card(workspace: &Workspace, url: &str) -> Value {
    let own = workspace.agent_card.as_deref().and_then(|card| serde_json::from_str(card).ok()).unwrap_or(Value::Null);
    let spoken = generations(&own);
    let name = text(&own, "name").unwrap_or(&workspace.name);
    let description = text(&own, "description").or(workspace.role.as_deref()).unwrap_or(name);
    let oldest = if spoken.contains(&Generation::V03) { "0.3.0" } else { "1.0" };
    let interfaces: Vec<Value> = spoken
        .iter()
        .map(|generation| json!({ "url": url, "protocolBinding": "JSONRPC", "protocolVersion": generation.version() }))
        .collect();
    let mut card = json!({
        "name": name,
        "description": description,
        "version": text(&own, "version").unwrap_or("0.0.0"),
        "url": url,
        "preferredTransport": "JSONRPC",
        "protocolVersion": oldest,
        "additionalInterfaces": [{ "url": url, "transport": "JSONRPC" }],
        "supportedInterfaces": interfaces,
        "capabilities": {
            "streaming": true,
            "pushNotifications": false,
            "stateTransitionHistory": false,
            "extendedAgentCard": false,
        },
        "supportsAuthenticatedExtendedCard": false,
        "securitySchemes": { SCHEME: {
            "type": "http",
            "scheme": "bearer",
            "httpAuthSecurityScheme": { "scheme": "bearer" },
        } },
        "security": [{ SCHEME: [] }],
        "securityRequirements": [{ "schemes": { SCHEME: { "list": [] } } }],
        "defaultInputModes": modes(&own, "defaultInputModes"),
        "defaultOutputModes": modes(&own, "defaultOutputModes"),
        "skills": skills::skills(&own["skills"], name, description),
    });
    if let Value::Object(fields) = &mut card {
        pass_on(&own, fields);
    }
    card
}

/// The generations that an agent says it speaks, newest first. One that says nothing speaks 0.3, as does a caller who
/// names no version.
pub fn generations(card: &Value) -> Vec<Generation> {
    let interfaces = card["supportedInterfaces"].as_array().into_iter().flatten();
    let spoken: Vec<Generation> = interfaces
        .filter(|interface| interface["protocolBinding"] == "JSONRPC")
        .chain([card])
        .filter_map(|said| Generation::of_version(said["protocolVersion"].as_str()?))
        .collect();
    let found: Vec<Generation> =
        [Generation::V10, Generation::V03].into_iter().filter(|generation| spoken.contains(generation)).collect();
    if found.is_empty() { vec![Generation::V03] } else { found }
}

/// Fields that say who made the agent, as far as they have the form that clients insist on.
fn pass_on(own: &Value, card: &mut Map<String, Value>) {
    for field in ["documentationUrl", "iconUrl"] {
        if let Some(url) = text(own, field) {
            card.insert(field.to_owned(), json!(url));
        }
    }
    let provider = &own["provider"];
    if let (Some(organization), Some(url)) = (text(provider, "organization"), text(provider, "url")) {
        card.insert("provider".to_owned(), json!({ "organization": organization, "url": url }));
    }
}

fn modes(own: &Value, field: &str) -> Value {
    let modes = strings(&own[field]);
    if modes.is_empty() { json!(TEXT) } else { json!(modes) }
}

/// A field that is a string with something in it.
fn text<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value[field].as_str().filter(|text| !text.trim().is_empty())
}

/// The strings of an array; what else is in it does not count.
fn strings(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}
