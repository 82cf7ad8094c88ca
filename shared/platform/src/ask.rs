//! Asking an agent about a task of its own, beside the deliveries: it takes no slot and waits for no room.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use rules::delivery::DeliveryMode;
use rules::dispatch::Outcome;
use rules::envelope::Generation;
use rules::lease::Lease;
use rules::liveness::effective;
use rules::message::{Caller, Message};
use rules::task::{AgentTask, Said, agent_task, is_further, renewed, said};
use rules::workspace::Workspace;
use serde_json::json;

use crate::decide::{Fault, decide};
use crate::platform::Platform;
use crate::problem::Result;
use crate::store::BodyKind;

/// How long an agent has to say where a task is.
const HOLD: Duration = Duration::from_secs(5);
/// A larger answer is shown and not kept: its parts would not fit into the transaction of its record.
const MOST_KEPT: usize = 1024 * 1024;

/// What an agent is asked about a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Where is it?
    Get,
    /// Let go of it.
    Cancel,
}

impl Question {
    const fn method(self, generation: Generation) -> &'static str {
        match (self, generation) {
            (Self::Get, Generation::V03) => "tasks/get",
            (Self::Get, Generation::V10) => "GetTask",
            (Self::Cancel, Generation::V03) => "tasks/cancel",
            (Self::Cancel, Generation::V10) => "CancelTask",
        }
    }
}

/// The headers of every call to an agent about a message: its bearer, the message, its sender, the
/// protocol's version, and the trace.
pub fn headers_to_agent(workspace: &Workspace, message: &Message) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut set = |name: &'static str, value: &str| {
        if let Ok(mut value) = HeaderValue::from_str(value) {
            value.set_sensitive(name == "authorization");
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    set("authorization", &format!("Bearer {}", workspace.inbound_secret));
    set("x-molecule-queue-id", &message.id.to_string());
    if let Caller::Workspace(id) = &message.caller {
        set("x-workspace-id", &id.to_string());
    }
    // Agents of 1.0 take a call without version for one of 0.3, whatever its method is called.
    let spoken = Generation::of(&message.method);
    let version = message.a2a_version.as_deref().or((spoken == Generation::V10).then_some(spoken.version()));
    if let Some(version) = version {
        set("a2a-version", version);
    }
    if let Some(trace) = &message.trace {
        set("traceparent", &trace.parent);
        if let Some(state) = &trace.state {
            set("tracestate", state);
        }
    }
    headers
}

impl Platform {
    /// Asks the agent about the task that it answered a message with, in the generation in which the message was sent.
    /// None where it cannot be asked: it is not live, admits only the dispatch function in its own network, fetches its messages, or does not answer in time.
    pub async fn ask(
        &self,
        workspace: &Workspace,
        lease: Option<&Lease>,
        message: &Message,
        task: &AgentTask,
        question: Question,
    ) -> Option<Said> {
        let live = effective(workspace, lease, self.now()).status.is_dispatchable();
        let url = workspace
            .url
            .as_deref()
            .filter(|_| live && self.reaches(workspace) && workspace.delivery.mode == DeliveryMode::Push)?;
        let body = json!({
            "jsonrpc": "2.0",
            "id": self.entropy.uuid().to_string(),
            "method": question.method(Generation::of(&message.method)),
            "params": { "id": task.id },
        });
        let (headers, body) = (headers_to_agent(workspace, message), Bytes::from(body.to_string()));
        let answer = self.agents.post(url, workspace.url_assigned, headers, body, HOLD).await;
        match answer.outcome {
            Outcome::Answered(_) => Some(said(&answer.body)),
            outcome => {
                tracing::info!(message = %message.id, ?outcome, "an agent could not be asked about its task");
                None
            }
        }
    }

    /// Keeps what an agent says of its task now as the answer to the message, if it is further than what is on record: the
    /// body of the answer as it is then.
    ///
    /// # Errors
    /// 503 when the datastore does not answer.
    pub async fn renew_answer(&self, message: &Message, said: &serde_json::Value) -> Result<Option<Bytes>> {
        decide(|| self.renew_round(message, said)).await
    }

    async fn renew_round(&self, message: &Message, said: &serde_json::Value) -> Result<Option<Bytes>, Fault> {
        let (target, id) = (message.target, message.id);
        let Some(mut message) = self.store.message(target, id).await? else { return Ok(None) };
        let Some(stored) = self.store.body(id, BodyKind::Answer).await? else { return Ok(None) };
        let Some(body) = renewed(&stored, said.clone()) else { return Ok(None) };
        let before = message.answer.as_ref().and_then(|answer| answer.task.as_ref());
        let (Some(before), Some(now)) = (before, agent_task(&body)) else { return Ok(None) };
        let further = match (before.state, now.state) {
            (Some(before), Some(now)) => is_further(before, now),
            _ => false,
        };
        if !further || now.id != before.id {
            return Ok(None);
        }
        let body = Bytes::from(body);
        if body.len() > MOST_KEPT {
            return Ok(Some(body));
        }
        let state = now.state.map_or("", |state| state.name(Generation::V03));
        message.note(self.now(), "task", state);
        if let Some(answer) = &mut message.answer {
            answer.task = Some(now);
        }
        message.version += 1;
        let (keep, kept_from) = (self.config.retention, message.finished_at.unwrap_or(message.deadline));
        let transaction = self.store.transaction().put_message(&message, keep).name_task(&message, keep);
        let transaction = self.store.with_body(transaction, id, BodyKind::Answer, &body, kept_from, keep).await?;
        transaction.commit().await?;
        Ok(Some(body))
    }
}
