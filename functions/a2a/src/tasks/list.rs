//! `tasks/list` and `ListTasks`.

use platform::Platform;
use platform::store::BodyKind;
use rules::envelope::{Envelope, Refusal};
use rules::message::Message;
use rules::task::{Asked, TaskState, View, listed};
use rules::{MessageId, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::{Fault, params};
use crate::caller::Permitted;

/// Reads of one page: a filter that matches little must not read for ever.
const MOST_READS: usize = 10;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Params {
    context_id: Option<String>,
    status: Option<String>,
    page_size: Option<u32>,
    page_token: Option<String>,
    history_length: Option<u32>,
    status_timestamp_after: Option<String>,
    include_artifacts: bool,
}

/// What is wanted, read.
struct Wanted {
    context_id: Option<String>,
    state: Option<TaskState>,
    after: Option<Timestamp>,
    asked: Asked<'static>,
}

/// The caller's own messages to this workspace as Tasks, newest first. A page may hold fewer than `pageSize` and still have
/// a next one; `totalSize` counts the page, as nobody counts all of them. Agents are not asked.
pub(super) async fn list(platform: &Platform, permitted: &Permitted, envelope: &Envelope) -> Result<Value, Fault> {
    let params: Params = params(envelope)?;
    let invalid = |why: &str| Fault::Refused(Refusal::InvalidParams(why.to_owned()));
    let size = params.page_size.filter(|size| *size > 0).unwrap_or(50);
    if size > 100 {
        return Err(invalid("pageSize must be from 1 to 100"));
    }
    let mut before: Option<MessageId> = match params.page_token.as_deref().filter(|token| !token.is_empty()) {
        Some(token) => Some(token.parse().map_err(|_| invalid("pageToken must be the nextPageToken of a page"))?),
        None => None,
    };
    let wanted = wanted(params).map_err(invalid)?;
    let mut tasks = Vec::new();
    let full = usize::try_from(size).unwrap_or(usize::MAX);
    for _ in 0..MOST_READS {
        let left = u32::try_from(full - tasks.len()).unwrap_or(size);
        let keep = |message: &Message| message.caller == permitted.caller && wanted.has(message);
        let page = platform.store.messages(permitted.target, before, left, keep).await?;
        for message in page.messages {
            tasks.extend(task(platform, &message, envelope, &wanted).await?);
        }
        before = page.next;
        if before.is_none() || tasks.len() >= full {
            break;
        }
    }
    let next = before.map(|id| id.to_string()).unwrap_or_default();
    Ok(listed(&tasks, size, &next))
}

fn wanted(params: Params) -> Result<Wanted, &'static str> {
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let state = match given(params.status).filter(|status| status != "TASK_STATE_UNSPECIFIED") {
        Some(status) => Some(TaskState::parse(&status).ok_or("status must be the name of a task's state")?),
        None => None,
    };
    let after = match given(params.status_timestamp_after) {
        Some(text) => Some(
            Timestamp::parse_rfc3339(&text).ok_or("statusTimestampAfter must be a time like 2030-01-31T12:00:00Z")?,
        ),
        None => None,
    };
    let history = usize::try_from(params.history_length.unwrap_or(0)).unwrap_or(usize::MAX);
    let asked = Asked { id: None, history: Some(history), bare: !params.include_artifacts };
    Ok(Wanted { context_id: given(params.context_id), state, after, asked })
}

impl Wanted {
    /// As far as the record tells.
    fn has(&self, message: &Message) -> bool {
        let changed = message.finished_at.or(message.dispatched_at).unwrap_or(message.accepted_at);
        let own = message.answer.as_ref().and_then(|answer| answer.task.as_ref()?.context_id.clone());
        self.after.is_none_or(|after| changed >= after)
            && self.context_id.as_ref().is_none_or(|wanted| {
                message.context_id.as_ref() == Some(wanted)
                    || own.as_ref() == Some(wanted)
                    || message.context_id.is_none() && message.id.to_string() == *wanted
            })
    }
}

async fn task(
    platform: &Platform,
    message: &Message,
    envelope: &Envelope,
    wanted: &Wanted,
) -> Result<Option<Value>, Fault> {
    let answer = match message.answer {
        Some(_) => platform.store.body(message.id, BodyKind::Answer).await?,
        None => None,
    };
    let request = match wanted.asked.history {
        Some(0) => None,
        _ => platform.store.body(message.id, BodyKind::Request).await?,
    };
    let view = View { message, depth: None, request: request.as_deref(), answer: answer.as_deref() };
    let task = view.task(envelope.generation, wanted.asked);
    let state = task["status"]["state"].as_str().and_then(TaskState::parse);
    Ok(Some(task).filter(|_| wanted.state.is_none() || wanted.state == state))
}
