//! Reading a heartbeat: every number in range, every text capped, so that a lease stays under 1 KB.

use std::collections::BTreeMap;
use std::time::Duration;

use platform::http::Object;
use platform::{Call, Problem, Result};
use rules::field;
use rules::lease::{Beat, RegisterState};
use rules::{Timestamp, WorkspaceId};
use serde::Deserialize;
use serde_json::Value;

/// Longest `sample_error` kept, in bytes.
const SAMPLE_BYTES: usize = 400;
/// Longest `current_task` kept, in bytes.
const TASK_BYTES: usize = 200;
/// Longest `runtime_state` kept, in bytes.
const STATE_BYTES: usize = 40;
/// The largest spend that is believed, in cents.
const MAX_SPEND: i64 = 1_000_000_000_000;
/// A report may be this much older than its arrival; beyond it, its sender's clock is not believed.
const MAX_TRAVEL: Duration = Duration::from_secs(60);
/// The capabilities that mean something here; others are not kept.
const CAPABILITIES: [&str; 8] = [
    "heartbeat",
    "scheduler",
    "session",
    "status_mgmt",
    "retry",
    "activity_decoration",
    "channel_dispatch",
    "message_dedup",
];

/// A heartbeat, validated.
#[derive(Debug, Clone)]
pub(crate) struct Heartbeat {
    pub(crate) workspace_id: WorkspaceId,
    pub(crate) beat: Beat,
    /// Only a positive amount says something.
    pub(crate) monthly_spend: Option<i64>,
    /// The agent card, as JSON text.
    pub(crate) card: Option<String>,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = Heartbeat)]
pub(crate) struct Body {
    #[schema(format = Uuid)]
    workspace_id: String,
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1)]
    error_rate: Option<f64>,
    #[serde(default)]
    sample_error: Option<String>,
    #[serde(default)]
    active_tasks: Option<u32>,
    #[serde(default)]
    uptime_seconds: Option<u64>,
    #[serde(default)]
    current_task: Option<String>,
    #[serde(default)]
    monthly_spend: Option<i64>,
    #[serde(default)]
    runtime_state: Option<String>,
    #[serde(default)]
    #[schema(value_type = Option<Metadata>)]
    runtime_metadata: Option<Object<Metadata>>,
    #[serde(default)]
    #[schema(value_type = Option<platform::openapi::AgentCard>)]
    agent_card: Option<Value>,
    #[serde(default)]
    #[schema(value_type = Option<RegisterState>)]
    register_state: Option<Object<RegisterState>>,
    #[serde(default)]
    sent_at_ms: Option<i64>,
}

#[derive(Default, Deserialize, utoipa::ToSchema)]
#[schema(as = RuntimeMetadata)]
pub(crate) struct Metadata {
    #[serde(default)]
    capabilities: Option<BTreeMap<String, bool>>,
    #[serde(default)]
    idle_timeout_seconds: Option<i64>,
}

impl Heartbeat {
    /// Reads and validates the body.
    pub(crate) fn read(call: &Call, now: Timestamp) -> Result<Self> {
        let body: Body = call.json()?;
        let workspace_id =
            body.workspace_id.parse().map_err(|_| Problem::bad_request("invalid_id", "workspace_id must be a UUID"))?;
        let card = match body.agent_card.filter(|card| card.as_object().is_none_or(|card| !card.is_empty())) {
            Some(card) if !card.is_null() => {
                field::agent_card(&card)?;
                Some(card.to_string())
            }
            _ => None,
        };
        let Object(metadata) = body.runtime_metadata.unwrap_or_default();
        let capabilities = metadata.capabilities.unwrap_or_default();
        let text = |text: Option<String>, limit| text.map(|text| field::capped(&text, limit)).unwrap_or_default();
        let beat = Beat {
            at: now,
            sent_at: body.sent_at_ms.and_then(|sent| believable(Timestamp::from_millis(sent), now)),
            error_rate: field::finite_rate(body.error_rate.unwrap_or(0.0))?,
            sample_error: text(body.sample_error, SAMPLE_BYTES),
            active_tasks: body.active_tasks.unwrap_or(0),
            uptime_seconds: body.uptime_seconds.unwrap_or(0),
            current_task: text(body.current_task, TASK_BYTES),
            runtime_state: text(body.runtime_state, STATE_BYTES),
            capabilities: capabilities
                .into_iter()
                .filter(|(name, on)| *on && CAPABILITIES.contains(&name.as_str()))
                .collect(),
            idle_timeout_seconds: metadata
                .idle_timeout_seconds
                .and_then(|seconds| u32::try_from(seconds).ok())
                .filter(|s| *s > 0),
            register_state: body.register_state.map(|Object(state)| RegisterState { failing_since: None, ..state }),
        };
        let monthly_spend = body.monthly_spend.filter(|cents| *cents > 0).map(|cents| cents.min(MAX_SPEND));
        Ok(Self { workspace_id, beat, monthly_spend, card })
    }
}

fn believable(sent: Timestamp, now: Timestamp) -> Option<Timestamp> {
    (sent <= now && now.since(sent) <= MAX_TRAVEL).then_some(sent)
}
