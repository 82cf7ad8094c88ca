//! What an operator needs to connect an external agent; shown once, in the answer to its creation.

use rules::workspace::Workspace;
use serde_json::{Value, json};

/// The `connection` of the answer: ids, endpoints, the token, and a command that registers.
pub(crate) fn describe(workspace: &Workspace, platform_url: &str, token: &str) -> Value {
    let id = workspace.id;
    let register = format!("{platform_url}/registry/register");
    let curl = format!(
        "curl -sS -X POST {register} -H 'Authorization: Bearer '\"$WORKSPACE_TOKEN\" -H 'Content-Type: application/json' \
         -d '{{\"id\":\"{id}\",\"url\":\"<URL of the agent>\",\"agent_card\":{{\"name\":\"<name>\"}}}}'"
    );
    let run = format!(
        "WORKSPACE_TOKEN={token} workspace-runtime --platform {platform_url} --workspace {id} --port 8000 --command '<command>'"
    );
    json!({
        "workspace_id": id,
        "platform_url": platform_url,
        "auth_token": token,
        "registry_endpoint": register,
        "heartbeat_endpoint": format!("{platform_url}/registry/heartbeat"),
        "curl_register_template": curl,
        "runtime_command": run,
    })
}
