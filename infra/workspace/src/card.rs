//! The agent card: one document that readers of A2A 0.3 and of 1.0 both understand.
//!
//! 0.3 reads `url`, `protocolVersion` and `preferredTransport`; 1.0 reads `supportedInterfaces`. Neither minds the
//! other's fields.

use serde_json::{Value, json};

use crate::options::Options;

/// The card of this workspace, reachable at `url`.
pub fn agent_card(options: &Options, url: &str) -> Value {
    let name = match &options.name {
        Some(name) if !name.trim().is_empty() => name.clone(),
        _ => options.workspace.to_string(),
    };
    json!({
        "name": name,
        "description": options.description,
        "version": env!("CARGO_PKG_VERSION"),
        "url": url,
        "protocolVersion": "0.3.0",
        "preferredTransport": "JSONRPC",
        "supportedInterfaces": [
            {"url": url, "protocolBinding": "JSONRPC", "protocolVersion": "1.0"},
            {"url": url, "protocolBinding": "JSONRPC", "protocolVersion": "0.3"},
        ],
        "capabilities": {"streaming": false, "pushNotifications": false},
        "defaultInputModes": ["text/plain"],
        "defaultOutputModes": ["text/plain"],
        "skills": [{
            "id": "command",
            "name": "Run the command",
            "description": options.description,
            "tags": ["command"],
        }],
    })
}
