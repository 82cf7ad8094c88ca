//! `tasks/resubscribe` and `SubscribeToTask`: the events of a task from now on, or after the last one that was seen.

use platform::{Call, Platform, Reply, Result};
use rules::delivery::DeliveryMode;
use rules::envelope::{Envelope, Form, Refusal};
use rules::liveness::effective;
use rules::message::Message;

use super::{Fault, find, refused};
use crate::answer::Waiter;
use crate::caller::Permitted;
use crate::stream::{self, Begin};

/// Follows a task. With `Last-Event-ID` what came after that event, also of a task that is over; without it the task as it
/// is, and then its events. `version` is that of the call's `A2A-Version`.
///
/// # Errors
/// 400 for a `Last-Event-ID` that is none; 503 when the datastore does not answer. What is no such task, or over, is told in
/// an event with a JSON-RPC error.
pub(crate) async fn subscribe(
    platform: &Platform,
    call: &Call,
    version: Option<&str>,
    permitted: &Permitted,
    envelope: &Envelope,
) -> Result<Reply> {
    let resume = stream::resume(call)?;
    let message = match find(platform, permitted, envelope).await {
        Ok(message) => message,
        Err(Fault::Refused(refusal)) => return Ok(refused(envelope, &refusal)),
        Err(Fault::Problem(problem)) => return Err(problem),
    };
    let begin = match resume {
        Some(place) => Begin::After(place),
        None if message.state.is_terminal() && !is_open(&message) => {
            let refusal = Refusal::Unsupported("the task is over; tasks/get shows it".to_owned());
            return Ok(refused(envelope, &refusal));
        }
        None => Begin::Now,
    };
    let lease = permitted.snapshot.lease.as_ref();
    let status = effective(&permitted.workspace, lease, platform.now()).status;
    let push = permitted.workspace.delivery.mode == DeliveryMode::Push;
    let longest = (status.is_dispatchable() && push && !message.is_deferred()).then_some(platform.config.sync_wait);
    let form = Form::of(envelope, version);
    stream::answer(platform, message, Waiter { longest, status, push, form }, call.live, begin).await
}

/// Its agent goes on with it beyond the answer.
fn is_open(message: &Message) -> bool {
    message.answer.as_ref().and_then(|answer| answer.task.as_ref()).is_some_and(rules::task::AgentTask::is_open)
}
