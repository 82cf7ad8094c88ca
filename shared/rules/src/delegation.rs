//! Delegations: one workspace gives another a task, goes on, and finds the outcome later. One record each; what carries it
//! out is a message in the target's queue, and while that is open its state is the message's.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::{MessageId, WorkspaceId};
use crate::message::{Message, State};
use crate::time::Timestamp;

/// How long a delegation may take when its source says nothing.
pub const BUDGET: Duration = Duration::from_secs(30 * 60);
/// How long the record is kept.
pub const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
/// A repeat with the same idempotency key gets the first one's outcome for so long after it completed.
pub const REPEAT_WINDOW: Duration = Duration::from_secs(10 * 60);
/// The longest result that the record keeps, in characters; the message's record has all of it.
pub const RESULT_CHARS: usize = 4000;

/// Where a delegation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = DelegationStage)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Recorded.
    Pending,
    /// The target has it.
    Dispatched,
    /// It waits in the target's queue.
    Queued,
    /// Done, with a result.
    Completed,
    /// Over, without one.
    Failed,
}

impl Stage {
    /// The string of storage and wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Dispatched => "dispatched",
            Self::Queued => "queued",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }

    /// Nothing more happens to it.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }
}

/// One delegation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delegation {
    /// The source's id of it.
    pub delegation_id: String,
    /// Who delegates.
    pub source: WorkspaceId,
    /// Who shall do it.
    pub target: WorkspaceId,
    /// The beginning of the task.
    pub task: String,
    /// Where it is; while its message is open, that one knows better.
    pub stage: Stage,
    /// The message that carries it out; none when the agent sent it by itself and only recorded it, or nothing was sent.
    #[serde(default)]
    pub queue_id: Option<MessageId>,
    /// The beginning of the result's text.
    #[serde(default)]
    pub result: Option<String>,
    /// Why it failed.
    #[serde(default)]
    pub error: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was over.
    #[serde(default)]
    pub finished_at: Option<Timestamp>,
}

/// What a repeat with the idempotency key of an earlier delegation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// The same once more: its sender hears of the first.
    Same,
    /// A new one.
    New,
}

/// Judges a repeat: what is under way is never done twice, what failed may be tried again, and what completed counts as
/// the same only for a while.
pub fn repeat(first: &Delegation, now: Timestamp) -> Repeat {
    match first.stage {
        Stage::Failed => Repeat::New,
        Stage::Completed if first.finished_at.is_none_or(|at| now.since(at) >= REPEAT_WINDOW) => Repeat::New,
        _ => Repeat::Same,
    }
}

impl Delegation {
    /// As it is by the message that carries it out.
    #[must_use]
    pub fn by(mut self, message: &Message) -> Self {
        if self.stage.is_over() {
            return self;
        }
        self.stage = match message.state {
            State::Queued => Stage::Queued,
            State::Dispatched | State::Delivered => Stage::Dispatched,
            // Over by its end's own write, which may not be seen yet.
            State::Completed => Stage::Completed,
            _ => Stage::Failed,
        };
        if self.stage == Stage::Failed {
            self.error = message.reason.clone();
        }
        if self.stage.is_over() {
            self.finished_at = message.finished_at;
        }
        self
    }
}

/// The outcome of a delegation whose message ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Completed or failed.
    pub stage: Stage,
    /// The result's text, shortened.
    pub result: Option<String>,
    /// Why it failed, shortened.
    pub error: Option<String>,
}

/// The outcome by the message's end and the agent's answer. A JSON-RPC error and an HTTP failure are failures.
pub fn outcome(message: &Message, answer: Option<&[u8]>) -> Outcome {
    let failed =
        |why: String| Outcome { stage: Stage::Failed, result: None, error: Some(shortened(&why, RESULT_CHARS)) };
    if message.state != State::Completed {
        let reason = message.reason.as_deref().unwrap_or("no reason recorded");
        return failed(format!("{}: {reason}", message.state.as_str()));
    }
    let answer = answer.unwrap_or_default();
    let parsed: Value = serde_json::from_slice(answer).unwrap_or(Value::Null);
    if let Some(error) = parsed.get("error").filter(|error| !error.is_null()) {
        let text = error.get("message").and_then(Value::as_str).or(error.as_str());
        return failed(text.map_or_else(|| error.to_string(), str::to_owned));
    }
    if let Some(status) = message.answer.as_ref().map(|answer| answer.status).filter(|status| *status >= 400) {
        return failed(format!("the agent answered {status}"));
    }
    let text = text_of_result(&parsed).unwrap_or_else(|| String::from_utf8_lossy(answer).into_owned());
    Outcome { stage: Stage::Completed, result: Some(shortened(&text, RESULT_CHARS)), error: None }
}

/// The first text of a result: of a Message, of a Task's artifacts, or of its status, in the forms of 0.3 and 1.0.
fn text_of_result(answer: &Value) -> Option<String> {
    let result = answer.get("result")?;
    let result = ["task", "message"].iter().find_map(|wrapper| result.get(wrapper)).unwrap_or(result);
    let artifacts = result.get("artifacts").and_then(Value::as_array).into_iter().flatten();
    let places = std::iter::once(result).chain(artifacts).chain(result.pointer("/status/message"));
    places.filter_map(|place| place.get("parts")?.as_array()).flatten().find_map(text_of_part)
}

fn text_of_part(part: &Value) -> Option<String> {
    let kind = part.get("kind").or_else(|| part.get("type")).and_then(Value::as_str);
    let text = part.get("text").and_then(Value::as_str).map(str::to_owned);
    text.filter(|_| kind.is_none_or(|kind| kind == "text"))
}

/// At most so many characters.
pub fn shortened(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}

#[cfg(test)]
mod tests;
