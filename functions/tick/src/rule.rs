//! EventBridge rules of the user's own: `{"workspace_id","schedule_id"}` fires a schedule, `{"workspace_id","prompt"}` sends
//! a prompt. EventBridge may bring an event twice: with an `event_id` in the input (an input transformer's `$.id`) it counts
//! once, without one it counts once a minute.

use platform::Platform;
use platform::accept::{Draft, Target};
use platform::entropy::{digest, digest_bytes};
use platform::store::Look;
use platform::{Problem, Result};
use rules::message::{Accepted, Caller, Message};
use rules::schedule::{MAX_PROMPT_BYTES, Trigger};
use rules::{MessageId, ScheduleId, Status, WorkspaceId};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Rule {
    workspace_id: String,
    #[serde(default)]
    schedule_id: Option<String>,
    #[serde(default)]
    prompt: Option<String>,
    #[serde(default)]
    event_id: Option<String>,
}

/// Does what a rule asks for. Nobody hears of a failure, so it is logged.
pub(crate) async fn handle(platform: &Platform, event: &Value) {
    if let Err(problem) = obey(platform, event).await {
        tracing::error!(code = problem.code, problem = problem.message, "a rule's event led to nothing");
    }
}

async fn obey(platform: &Platform, event: &Value) -> Result<()> {
    let invalid = |text: &str| Problem::bad_request("invalid_rule", text);
    let rule: Rule = serde_json::from_value(event.clone()).map_err(|_| {
        invalid("a rule's input is {\"workspace_id\",\"schedule_id\"} or {\"workspace_id\",\"prompt\"}")
    })?;
    let workspace: WorkspaceId = rule.workspace_id.parse().map_err(|_| invalid("workspace_id must be a UUID"))?;
    let occasion = rule.event_id.unwrap_or_else(|| platform.now().millis().div_euclid(60_000).to_string());
    let claim = digest(&format!("rule\0{event}\0{occasion}"));
    match (&rule.schedule_id, &rule.prompt) {
        (Some(schedule), None) => {
            let schedule: ScheduleId = schedule.parse().map_err(|_| invalid("schedule_id must be a UUID"))?;
            platform.run_schedule(workspace, schedule, Trigger::Rule, Some(&claim)).await?;
            Ok(())
        }
        (None, Some(prompt)) => send(platform, workspace, prompt, claim).await,
        _ => Err(invalid("name either schedule_id or prompt")),
    }
}

async fn send(platform: &Platform, id: WorkspaceId, prompt: &str, claim: String) -> Result<()> {
    if prompt.trim().is_empty() || prompt.len() > MAX_PROMPT_BYTES {
        return Err(Problem::bad_request("invalid_rule", "prompt must have 1 to 262144 bytes"));
    }
    let seen = platform.store.look(id, &Look::record().lease()).await?;
    let workspace = seen.workspace.ok_or_else(Problem::no_workspace)?;
    match workspace.status {
        Status::Removed => return Err(Problem::gone()),
        Status::Paused => return Err(Problem::conflict("workspace_paused", "the workspace is paused")),
        _ => {}
    }
    let now = platform.now();
    let message_id = format!("rule-{}", &claim[..16]);
    let body = json!({
        "jsonrpc": "2.0", "id": message_id, "method": "message/send",
        "params": { "message": {
            "kind": "message", "role": "user", "messageId": message_id,
            "parts": [{ "kind": "text", "text": prompt.replace('\r', "") }],
            "metadata": { "kind": "rule" },
        } },
    })
    .to_string()
    .into_bytes();
    let accepted = Accepted {
        id: MessageId::new(platform.entropy.ordered_uuid(now)),
        org: workspace.org.clone(),
        target: id,
        caller: Caller::System("eventbridge".to_owned()),
        message_id,
        body_digest: digest_bytes(&body),
        deadline: now + rules::message::Priority::default().default_life(),
        not_before: None,
    };
    let message = Message {
        generation: workspace.generation,
        trace: Some(platform.new_trace()),
        ..Message::accepted(accepted, now)
    };
    let draft = Draft { message, body, idempotency: claim };
    let mut target = Target { workspace, lease: seen.lease };
    platform.accept(&mut target, &draft, &|transaction| transaction).await?;
    platform.wake_drain(id).await;
    Ok(())
}
