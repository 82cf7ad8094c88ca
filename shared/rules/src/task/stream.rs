//! The events of a streamed answer: what each says, in either generation's form, and what they amount to together.

use serde_json::{Map, Value, json};

use super::answer::{AgentTask, agent_task};
use super::content::{artifact_in, message_in, set_kind, status_in, task_in};
use super::state::TaskState;
use crate::envelope::Generation;

/// What one event of a stream is.
#[derive(Debug, Clone, PartialEq)]
pub enum StreamEvent {
    /// A whole task.
    Task(Value),
    /// A message: the whole answer.
    Message(Value),
    /// `TaskStatusUpdateEvent`.
    Status(Value),
    /// `TaskArtifactUpdateEvent`.
    Artifact(Value),
    /// A JSON-RPC error object: the end.
    Error(Value),
}

impl StreamEvent {
    /// Reads the data of one event: a JSON-RPC answer of either generation. None if it is nothing of the protocol.
    pub fn read(data: &[u8]) -> Option<Self> {
        let mut answer: Value = serde_json::from_slice(data).ok()?;
        if let Some(error) = answer.get_mut("error").filter(|error| error.is_object()) {
            return Some(Self::Error(error.take()));
        }
        Self::of_result(answer.get_mut("result")?.take())
    }

    /// Reads the result of such an answer.
    pub fn of_result(mut result: Value) -> Option<Self> {
        type Wrap = fn(Value) -> StreamEvent;
        const WRAPPERS: [(&str, Wrap); 4] = [
            ("task", StreamEvent::Task),
            ("message", StreamEvent::Message),
            ("statusUpdate", StreamEvent::Status),
            ("artifactUpdate", StreamEvent::Artifact),
        ];
        for (name, wrap) in WRAPPERS {
            if let Some(inner) = result.get_mut(name).filter(|inner| inner.is_object()) {
                return Self::whole(wrap(inner.take()));
            }
        }
        let event = if result["artifact"].is_object() {
            Self::Artifact(result)
        } else if result["messageId"].is_string() {
            Self::Message(result)
        } else if result["taskId"].is_string() {
            Self::Status(result)
        } else {
            Self::Task(result)
        };
        Self::whole(event)
    }

    /// The event, if it has what makes it one.
    fn whole(event: Self) -> Option<Self> {
        let state = |value: &Value| value["status"]["state"].as_str().and_then(TaskState::parse).is_some();
        let fits = match &event {
            Self::Task(task) => task["id"].is_string() && state(task),
            Self::Message(message) => message["messageId"].is_string() && message["parts"].is_array(),
            Self::Status(update) => update["taskId"].is_string() && state(update),
            Self::Artifact(update) => update["taskId"].is_string() && update["artifact"].is_object(),
            Self::Error(_) => true,
        };
        fits.then_some(event)
    }

    /// The JSON-RPC answer that carries it, without `jsonrpc` and `id`: `result` or `error`, in the form of `generation`.
    pub fn body(&self, generation: Generation) -> (&'static str, Value) {
        let (wrapper, mut inner) = match self {
            Self::Error(error) => return ("error", error.clone()),
            Self::Task(task) => ("task", task_in(task.clone(), generation)),
            Self::Message(message) => ("message", message_in(message.clone(), generation)),
            Self::Status(update) => ("statusUpdate", status_update_in(update.clone(), generation)),
            Self::Artifact(update) => ("artifactUpdate", artifact_update_in(update.clone(), generation)),
        };
        if generation == Generation::V10 {
            inner = json!({ wrapper: inner });
        }
        ("result", inner)
    }

    /// The state of the task that it tells.
    pub fn state(&self) -> Option<TaskState> {
        match self {
            Self::Task(told) | Self::Status(told) => told["status"]["state"].as_str().and_then(TaskState::parse),
            _ => None,
        }
    }

    /// Nothing comes after it.
    pub fn is_last(&self) -> bool {
        match self {
            Self::Message(_) | Self::Error(_) => true,
            Self::Status(update) if update["final"] == true => true,
            event => event.state().is_some_and(TaskState::is_terminal),
        }
    }
}

/// What the events of a stream amount to.
#[derive(Debug, Clone, Default)]
pub struct Fold {
    task: Option<Value>,
    end: Option<StreamEvent>,
    over: bool,
}

impl Fold {
    /// Adds an event.
    pub fn add(&mut self, event: &StreamEvent) {
        self.over |= event.is_last();
        match event {
            StreamEvent::Task(task) => self.task = Some(task.clone()),
            StreamEvent::Message(_) | StreamEvent::Error(_) => self.end = Some(event.clone()),
            StreamEvent::Status(update) => {
                let task = self.task_of(update);
                let before = task.insert("status".to_owned(), update["status"].clone());
                if let Some(told) = before.and_then(|mut status| status.get_mut("message").map(Value::take)) {
                    push(task, "history", told);
                }
            }
            StreamEvent::Artifact(update) => add_artifact(self.task_of(update), update),
        }
    }

    /// Nothing more is to come.
    pub const fn is_over(&self) -> bool {
        self.over
    }

    /// The task, as far as it is known.
    pub fn task(&self) -> Option<StreamEvent> {
        self.task.clone().map(StreamEvent::Task)
    }

    /// The agent's task, if it names one.
    pub fn agent_task(&self) -> Option<AgentTask> {
        agent_task(json!({ "result": self.task.as_ref()? }).to_string().as_bytes())
    }

    /// The answer that the agent would have given at once: a message or an error if that came, else the task; none if
    /// nothing came.
    pub fn answer(&self) -> Option<StreamEvent> {
        self.end.clone().or_else(|| self.task())
    }

    /// The task that an update belongs to; one that nothing was told of yet begins with it.
    fn task_of(&mut self, update: &Value) -> &mut Map<String, Value> {
        let begun = || json!({ "kind": "task", "id": update["taskId"], "contextId": update["contextId"], "status": { "state": "working" } });
        let task = self.task.get_or_insert_with(begun);
        if !task.is_object() {
            *task = begun();
        }
        match task {
            Value::Object(fields) => fields,
            _ => unreachable!("made an object above"),
        }
    }
}

/// A task told to somebody who follows it already: its state and its artifacts, as updates.
pub fn as_updates(task: &Value) -> Vec<StreamEvent> {
    let of = |field: &str, value: &Value| json!({ "taskId": task["id"], "contextId": task["contextId"], field: value });
    let artifacts = task["artifacts"].as_array().into_iter().flatten();
    let mut updates: Vec<_> = artifacts.map(|artifact| StreamEvent::Artifact(of("artifact", artifact))).collect();
    updates.push(StreamEvent::Status(of("status", &task["status"])));
    updates
}

fn push(task: &mut Map<String, Value>, field: &str, value: Value) {
    match task.get_mut(field) {
        Some(Value::Array(list)) => list.push(value),
        _ => _ = task.insert(field.to_owned(), json!([value])),
    }
}

/// An artifact replaces the one of its id, or with `append` goes on with its parts.
fn add_artifact(task: &mut Map<String, Value>, update: &Value) {
    let artifact = &update["artifact"];
    let artifacts = task.get_mut("artifacts").and_then(Value::as_array_mut);
    let before = artifacts.and_then(|list| list.iter_mut().find(|known| known["artifactId"] == artifact["artifactId"]));
    match before {
        None => push(task, "artifacts", artifact.clone()),
        Some(before) if update["append"] == true => {
            let more = artifact["parts"].as_array().cloned().unwrap_or_default();
            match before.get_mut("parts").and_then(Value::as_array_mut) {
                Some(parts) => parts.extend(more),
                None => before["parts"] = Value::Array(more),
            }
        }
        Some(before) => *before = artifact.clone(),
    }
}

fn status_update_in(mut update: Value, generation: Generation) -> Value {
    let over = StreamEvent::Status(update.clone()).state().is_some_and(|state| {
        state.is_terminal() || matches!(state, TaskState::InputRequired | TaskState::AuthRequired)
    });
    if let Value::Object(fields) = &mut update {
        status_in(fields, generation);
        set_kind(fields, "status-update", generation);
        match generation {
            // Clients of 0.3 insist on it.
            Generation::V03 => _ = fields.entry("final").or_insert(json!(over)),
            Generation::V10 => _ = fields.remove("final"),
        }
    }
    update
}

fn artifact_update_in(mut update: Value, generation: Generation) -> Value {
    if let Value::Object(fields) = &mut update {
        if let Some(artifact) = fields.get_mut("artifact") {
            *artifact = artifact_in(artifact.take(), generation);
        }
        set_kind(fields, "artifact-update", generation);
    }
    update
}
