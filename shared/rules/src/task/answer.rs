//! What an agent answered: a Task, a Message, an error, or none of the protocol's.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::state::TaskState;
use crate::envelope::MAX_ID_BYTES;

/// An agent's own task, as its answer names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentTask {
    /// The agent's id of it.
    pub id: String,
    /// Where it was; none where a Message only names the task that it belongs to.
    #[serde(default)]
    pub state: Option<TaskState>,
    /// The conversation that the agent counts it to.
    #[serde(default)]
    pub context_id: Option<String>,
}

impl AgentTask {
    /// The agent goes on with it, or waits for more.
    pub fn is_open(&self) -> bool {
        self.state.is_some_and(|state| !state.is_terminal())
    }
}

/// An answer, read.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    /// A task.
    Task(Value),
    /// A message.
    Message(Value),
    /// A JSON-RPC error: code and message.
    Error(i64, String),
    /// None of these.
    Other,
}

/// The little of an answer that says which task it is about; the rest is not even built.
#[derive(Deserialize)]
struct Head {
    result: ResultHead,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResultHead {
    id: Option<String>,
    task_id: Option<String>,
    context_id: Option<String>,
    status: Option<StatusHead>,
    task: Option<Box<ResultHead>>,
    message: Option<Box<ResultHead>>,
}

#[derive(Deserialize)]
struct StatusHead {
    state: String,
}

/// The agent's task that an answer is, or that its Message belongs to; of either generation, from a send or a get.
pub fn agent_task(body: &[u8]) -> Option<AgentTask> {
    let head: Head = serde_json::from_slice(body).ok()?;
    let result = match head.result {
        ResultHead { task: Some(task), .. } => *task,
        ResultHead { message: Some(message), .. } => *message,
        result => result,
    };
    let state = result.status.and_then(|status| TaskState::parse(&status.state));
    let id = if state.is_some() { result.id } else { result.task_id };
    let id = id.filter(|id| !id.is_empty() && id.len() <= MAX_ID_BYTES)?;
    let context_id = result.context_id.filter(|id| !id.is_empty() && id.len() <= MAX_ID_BYTES);
    Some(AgentTask { id, state, context_id })
}

/// Reads an answer, of either generation, to a send, a get or a cancel.
pub fn said(body: &[u8]) -> Said {
    let Ok(mut answer) = serde_json::from_slice::<Value>(body) else { return Said::Other };
    if let Some(error) = answer.get("error").filter(|error| error.is_object()) {
        let message = error["message"].as_str().unwrap_or("the agent gave no reason");
        return Said::Error(error["code"].as_i64().unwrap_or_default(), message.to_owned());
    }
    let Some(mut result) = answer.get_mut("result").map(Value::take) else { return Said::Other };
    for wrapper in ["task", "message"] {
        if result.get(wrapper).is_some_and(Value::is_object) {
            result = result[wrapper].take();
            break;
        }
    }
    let state = result["status"]["state"].as_str().and_then(TaskState::parse);
    if result["id"].is_string() && state.is_some() {
        Said::Task(result)
    } else if result["messageId"].is_string() && result["parts"].is_array() {
        Said::Message(result)
    } else {
        Said::Other
    }
}

/// A stored answer with a newer state of its task, in the form that it has: the same sender may ask for it again.
pub fn renewed(stored: &[u8], task: Value) -> Option<Vec<u8>> {
    let mut answer: Value = serde_json::from_slice(stored).ok()?;
    let result = answer.get_mut("result").filter(|result| result.is_object())?;
    *result = match result.get("task").is_some_and(Value::is_object) {
        true => json!({ "task": task }),
        false => task,
    };
    Some(answer.to_string().into_bytes())
}
