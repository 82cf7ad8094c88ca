//! The Task that a client sees: made of the hub's record, and of the agent's answer where there is one.

use serde_json::{Value, json};

use super::answer::{Said, said};
use super::content::{message_in, task_in};
use super::state::TaskState;
use crate::envelope::Generation;
use crate::message::{Message, State};

/// What a client asks to see.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asked<'a> {
    /// The id by which it asked; without one the queue id.
    pub id: Option<&'a str>,
    /// How many messages of the history, the newest; none for all.
    pub history: Option<usize>,
    /// Leave artifacts out, as lists do.
    pub bare: bool,
}

/// All that is known of one message.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// Its record.
    pub message: &'a Message,
    /// How many messages of its target are open, where it was counted.
    pub depth: Option<u32>,
    /// Its body, where the history is wanted.
    pub request: Option<&'a [u8]>,
    /// The body of its answer, if it has one.
    pub answer: Option<&'a [u8]>,
}

impl View<'_> {
    /// The Task, in the form of `generation`.
    pub fn task(&self, generation: Generation, asked: Asked<'_>) -> Value {
        let own = self.message.id.to_string();
        let id = asked.id.unwrap_or(&own);
        let answer = self.answer.map_or(Said::Other, said);
        let mut task = match answer {
            Said::Task(task) if !outranks(self.message.state) => task,
            answer => self.of_record(id, answer),
        };
        task["id"] = json!(id);
        if task["contextId"].as_str().is_none_or(str::is_empty) {
            task["contextId"] = json!(self.context());
        }
        self.mark(&mut task);
        trim(&mut task, asked);
        task_in(task, generation)
    }

    /// A Task of what the hub knows, in the form of 0.3.
    fn of_record(&self, id: &str, answer: Said) -> Value {
        let message = self.message;
        let (state, text) = match (message.state, &answer) {
            (State::Queued, _) => (TaskState::Submitted, message.reason.clone()),
            (State::Dispatched | State::Delivered, _) => (TaskState::Working, message.reason.clone()),
            (State::Cancelled | State::Coalesced, _) => (TaskState::Canceled, message.reason.clone()),
            (State::Completed, Said::Message(_) | Said::Task(_)) => (TaskState::Completed, None),
            (State::Completed, Said::Error(code, text)) => {
                (TaskState::Failed, Some(format!("the agent answered with the error {code}: {text}")))
            }
            (State::Completed, Said::Other) => match message.answer.as_ref().map_or(200, |answer| answer.status) {
                200..=299 => (TaskState::Completed, Some("the agent's answer is not one of A2A".to_owned())),
                status => (TaskState::Failed, Some(format!("the agent answered {status}"))),
            },
            (State::Failed | State::Expired | State::Dropped, _) => {
                let reason = message.reason.as_deref().unwrap_or("no reason recorded");
                (TaskState::Failed, Some(format!("{}: {reason}", message.state.as_str())))
            }
        };
        let at = message.finished_at.or(message.dispatched_at).unwrap_or(message.accepted_at);
        let mut status = json!({ "state": state.name(Generation::V03), "timestamp": at.rfc3339() });
        if let Some(text) = text {
            status["message"] = json!({
                "kind": "message", "role": "agent", "messageId": format!("{}-status", message.id), "taskId": id,
                "contextId": self.context(), "parts": [{ "kind": "text", "text": text }],
            });
        }
        let mut task = json!({ "kind": "task", "id": id, "contextId": self.context(), "status": status });
        let mut history: Vec<Value> = self.request.and_then(sent).into_iter().collect();
        if let Said::Message(answer) = answer {
            let named = answer["messageId"].as_str().unwrap_or("answer").to_owned();
            let answer = message_in(answer, Generation::V03);
            task["artifacts"] = json!([{ "artifactId": named, "name": "answer", "parts": answer["parts"] }]);
            if let Some(context) = answer["contextId"].as_str().filter(|context| !context.is_empty()) {
                task["contextId"] = json!(context);
            }
            history.push(answer);
        }
        if !history.is_empty() {
            task["history"] = json!(history);
        }
        task
    }

    /// The conversation; a message that belongs to none has one of its own.
    fn context(&self) -> String {
        self.message.context_id.clone().unwrap_or_else(|| self.message.id.to_string())
    }

    /// Where the hub has it, beside what the agent says of it.
    fn mark(&self, task: &mut Value) {
        if !task["metadata"].is_object() {
            task["metadata"] = json!({});
        }
        task["metadata"]["queue_id"] = json!(self.message.id);
        task["metadata"]["status"] = json!(self.message.state);
        if let Some(depth) = self.depth {
            task["metadata"]["queue_depth"] = json!(depth);
        }
    }
}

/// One page of tasks, as lists have it. `next` is empty on the last page.
pub fn listed(tasks: &[Value], page_size: u32, next: &str) -> Value {
    json!({ "tasks": tasks, "nextPageToken": next, "pageSize": page_size, "totalSize": tasks.len() })
}

/// A message that ended without an answer ended so whatever its agent said in between.
fn outranks(state: State) -> bool {
    state.is_terminal() && state != State::Completed
}

/// The message of a request, in the form of 0.3.
fn sent(request: &[u8]) -> Option<Value> {
    let mut request: Value = serde_json::from_slice(request).ok()?;
    let message = request.get_mut("params")?.get_mut("message").filter(|message| message.is_object())?;
    Some(message_in(message.take(), Generation::V03))
}

fn trim(task: &mut Value, asked: Asked<'_>) {
    let Value::Object(fields) = task else { return };
    if let (Some(most), Some(Value::Array(history))) = (asked.history, fields.get_mut("history")) {
        history.drain(..history.len().saturating_sub(most));
        if history.is_empty() {
            fields.remove("history");
        }
    }
    if asked.bare {
        fields.remove("artifacts");
    }
}
