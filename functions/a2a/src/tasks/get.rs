//! `tasks/get` and `GetTask`.

use bytes::Bytes;
use platform::Platform;
use platform::ask::Question;
use platform::store::{BodyKind, Place};
use rules::envelope::{Envelope, Generation};
use rules::message::Message;
use rules::task::{Asked, Fold, Said, View, task_in};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Fault, find, params};
use crate::caller::Permitted;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Params {
    history_length: Option<u32>,
}

/// The Task of a message. Where its agent answered with a task that goes on, the agent is asked how far it is; what it says
/// then is kept. The record answers where the agent cannot.
pub(super) async fn get(platform: &Platform, permitted: &Permitted, envelope: &Envelope) -> Result<Value, Fault> {
    let message = find(platform, permitted, envelope).await?;
    let Params { history_length } = params(envelope)?;
    let history = history_length.map(|most| usize::try_from(most).unwrap_or(usize::MAX));
    let asked = Asked { id: envelope.task_id.as_deref(), history, bare: false };
    let fresh = ask(platform, permitted, &message).await?;
    show(platform, permitted, message, fresh, envelope, asked).await
}

/// The body of the answer with what the agent says of its task now; none where there is nothing new.
async fn ask(platform: &Platform, permitted: &Permitted, message: &Message) -> Result<Option<Bytes>, Fault> {
    let Some(task) = message.answer.as_ref().and_then(|answer| answer.task.as_ref()).filter(|task| task.is_open())
    else {
        return Ok(None);
    };
    let lease = permitted.snapshot.lease.as_ref();
    match platform.ask(&permitted.workspace, lease, message, task, Question::Get).await {
        Some(Said::Task(said)) => {
            let said = task_in(said, Generation::of(&message.method));
            Ok(platform.renew_answer(message, &said).await?)
        }
        _ => Ok(None),
    }
}

/// The Task as it is on record, or with a `fresh` answer of its agent.
pub(super) async fn show(
    platform: &Platform,
    permitted: &Permitted,
    message: Message,
    fresh: Option<Bytes>,
    envelope: &Envelope,
    asked: Asked<'_>,
) -> Result<Value, Fault> {
    let answer = match fresh {
        Some(fresh) => Some(fresh),
        None if message.answer.is_some() => platform.store.body(message.id, BodyKind::Answer).await?,
        None if message.streamed.is_some() => streamed(platform, &message).await?,
        None => None,
    };
    let request = match asked.history {
        Some(0) => None,
        _ => platform.store.body(message.id, BodyKind::Request).await?,
    };
    let depth = (!message.state.is_terminal()).then(|| permitted.snapshot.slots.waiting());
    let view = View { message: &message, depth, request: request.as_deref(), answer: answer.as_deref() };
    Ok(view.task(envelope.generation, asked))
}

/// The answer as far as it has come, where it comes event by event.
async fn streamed(platform: &Platform, message: &Message) -> Result<Option<Bytes>, Fault> {
    let mut fold = Fold::default();
    for stored in platform.store.events_after(message.id, Place::default(), &mut None).await? {
        fold.add(&stored.event);
    }
    let task = fold.task().map(|task| task.body(Generation::V03));
    Ok(task.map(|(field, told)| json!({ field: told }).to_string().into()))
}
