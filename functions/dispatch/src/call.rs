//! The call to the agent.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use platform::Platform;
use platform::agents::AgentAnswer;
use rules::dispatch::Outcome;
use rules::message::{Caller, Message};
use rules::workspace::Workspace;

/// How long an agent that can answer later should try to answer at once, in seconds.
const ANSWER_WITHIN: u32 = 10;

/// Posts the message to the agent's URL, with the bearer that the agent got at register. `Prefer: respond-async` offers
/// the agent to accept it with 202 and to post the result later, under the slot epoch that it is told.
pub(crate) async fn call(platform: &Platform, workspace: &Workspace, message: &Message, body: Bytes) -> AgentAnswer {
    let Some(url) = workspace.url.as_deref() else {
        let outcome = Outcome::UrlRefused("it has none; the agent must register".to_owned());
        return AgentAnswer { outcome, content_type: String::new(), body: Bytes::new() };
    };
    let headers = headers(workspace, message);
    platform.agents.post(url, workspace.url_assigned, headers, body, platform.config.dispatch_hold).await
}

fn headers(workspace: &Workspace, message: &Message) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut set = |name: &'static str, value: String| {
        if let Ok(mut value) = HeaderValue::from_str(&value) {
            value.set_sensitive(name == "authorization");
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    set("authorization", format!("Bearer {}", workspace.inbound_secret));
    set("prefer", format!("respond-async, wait={ANSWER_WITHIN}"));
    set("x-molecule-queue-id", message.id.to_string());
    set("x-molecule-slot-epoch", message.slot_epoch.to_string());
    if let Caller::Workspace(id) = &message.caller {
        set("x-workspace-id", id.to_string());
    }
    if let Some(version) = &message.a2a_version {
        set("a2a-version", version.clone());
    }
    headers
}
