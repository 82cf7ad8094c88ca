//! `tasks/cancel` and `CancelTask`.

use bytes::Bytes;
use platform::Platform;
use platform::ask::Question;
use platform::waiting::Cancelled;
use rules::envelope::{Envelope, Generation, Refusal};
use rules::message::{Message, State};
use rules::task::{Asked, Said, task_in};
use serde_json::Value;

use super::get::show;
use super::{Fault, find};
use crate::caller::Permitted;

/// Calls a task off, and answers with it. One that waits is never delivered; one that an agent has is settled here and the
/// agent is asked to stop. Where the agent answered with a task that goes on, that is the agent's to cancel.
pub(super) async fn cancel(platform: &Platform, permitted: &Permitted, envelope: &Envelope) -> Result<Value, Fault> {
    let mut message = find(platform, permitted, envelope).await?;
    let refused = |why: String| Fault::Refused(Refusal::NotCancelable(why));
    if !permitted.may_change(&message) {
        return Err(refused("only its sender or an operator may cancel a task".to_owned()));
    }
    let asked = Asked { id: envelope.task_id.as_deref(), ..Asked::default() };
    if message.state != State::Completed {
        let reason = format!("cancelled by {}", permitted.caller.key());
        match platform.cancel(message.target, message.id, &reason).await? {
            Cancelled::Done(message) => return show(platform, permitted, *message, None, envelope, asked).await,
            // Its agent has answered in between, perhaps with a task that goes on.
            Cancelled::Over(answered) if answered.state == State::Completed => message = *answered,
            Cancelled::Over(message) => return Err(refused(format!("the task is over: {}", message.state.as_str()))),
            Cancelled::Unknown => return Err(Fault::Refused(Refusal::TaskNotFound)),
        }
    }
    let fresh = ask(platform, permitted, &message).await?.map_err(refused)?;
    show(platform, permitted, message, Some(fresh), envelope, asked).await
}

/// Has the agent cancel its own task; the answer as it is then, or why not.
async fn ask(platform: &Platform, permitted: &Permitted, message: &Message) -> Result<Result<Bytes, String>, Fault> {
    let Some(task) = message.answer.as_ref().and_then(|answer| answer.task.as_ref()).filter(|task| task.is_open())
    else {
        return Ok(Err("the task is over: completed".to_owned()));
    };
    let lease = permitted.snapshot.lease.as_ref();
    Ok(match platform.ask(&permitted.workspace, lease, message, task, Question::Cancel).await {
        Some(Said::Task(said)) => {
            let said = task_in(said, Generation::of(&message.method));
            platform.renew_answer(message, &said).await?.ok_or_else(|| "its agent goes on with it".to_owned())
        }
        Some(Said::Error(code, text)) => Err(format!("its agent answered {code}: {text}")),
        _ => Err("its agent cannot be asked now; try again when it is online".to_owned()),
    })
}
