//! The call to the agent.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use platform::Platform;
use platform::agents::{AgentAnswer, Called};
use platform::ask::headers_to_agent;
use rules::dispatch::Outcome;
use rules::envelope::MethodKind;
use rules::message::Message;
use rules::workspace::Workspace;
use tokio::time::Instant;

use crate::stream::follow;

/// How long an agent that can answer later should try to answer at once, in seconds.
const ANSWER_WITHIN: u32 = 10;
/// How long an agent has to take a word about a message.
const CONTROL_HOLD: Duration = Duration::from_secs(10);

/// Posts the message to the agent's URL, with the bearer that the agent got at register. `Prefer: respond-async` offers
/// the agent to accept it with 202 and to post the result later, under the slot epoch that it is told.
pub(crate) async fn call(platform: &Platform, workspace: &Workspace, message: &Message, body: Bytes) -> AgentAnswer {
    let Some(url) = workspace.url.as_deref() else {
        return AgentAnswer::without_body(Outcome::NoAddress);
    };
    let (headers, hold) = (headers(workspace, message), platform.config.dispatch_hold);
    if MethodKind::of(&message.method) != MethodKind::Stream {
        return platform.agents.post(url, workspace.url_assigned, headers, body, hold).await;
    }
    let end = Instant::now() + hold;
    match platform.agents.open(url, workspace.url_assigned, headers, body.clone(), hold).await {
        Called::Whole(answer) => answer,
        Called::Events(events) => follow(platform, workspace, message, &body, events, end).await,
    }
}

/// Posts a word about a message to its agent, beside the deliveries: it takes no slot and its answer is not kept.
pub(crate) async fn control(platform: &Platform, workspace: &Workspace, message: &Message, body: Bytes) -> Outcome {
    let Some(url) = workspace.url.as_deref() else { return Outcome::NoAddress };
    let headers = headers_to_agent(workspace, message);
    platform.agents.post(url, workspace.url_assigned, headers, body, CONTROL_HOLD).await.outcome
}

/// Posts a word that is about no message of the queue.
pub(crate) async fn post(platform: &Platform, workspace: &Workspace, url: &str, body: Bytes) -> Outcome {
    let mut headers = HeaderMap::new();
    if let Ok(mut bearer) = HeaderValue::from_str(&format!("Bearer {}", workspace.inbound_secret)) {
        bearer.set_sensitive(true);
        headers.insert(http::header::AUTHORIZATION, bearer);
    }
    platform.agents.post(url, workspace.url_assigned, headers, body, CONTROL_HOLD).await.outcome
}

fn headers(workspace: &Workspace, message: &Message) -> HeaderMap {
    let mut headers = headers_to_agent(workspace, message);
    let mut set = |name: &'static str, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    set("prefer", format!("respond-async, wait={ANSWER_WITHIN}"));
    set("x-molecule-slot-epoch", message.slot_epoch.to_string());
    headers
}
