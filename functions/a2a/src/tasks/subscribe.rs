//! `tasks/resubscribe` and `SubscribeToTask`: the events of a task from now on, or after the last one that was seen.

use http::StatusCode;
use platform::{Call, Platform, Reply, Result};
use rules::delivery::DeliveryMode;
use rules::envelope::{Envelope, Form, Generation, Refusal};
use rules::liveness::effective;
use rules::message::Message;

use super::{Fault, find};
use crate::answer::Waiter;
use crate::caller::Permitted;
use crate::message::version;
use crate::stream::{self, Begin};

/// Follows a task. With `Last-Event-ID` what came after that event, also of a task that is over; without it the task as it
/// is, and then its events.
///
/// # Errors
/// 400 for a `Last-Event-ID` that is none; 503 when the datastore does not answer. What is no such task, or over, is told in
/// an event with a JSON-RPC error.
pub(crate) async fn subscribe(
    platform: &Platform,
    call: &Call,
    permitted: &Permitted,
    envelope: &Envelope,
) -> Result<Reply> {
    let resume = stream::resume(call)?;
    // A client that asked for events reads nothing else.
    let refused = |refusal: &Refusal| {
        let answer = refusal.answer(&envelope.rpc_id);
        let event = [b"data: ".as_slice(), &answer, b"\n\n"].concat();
        Ok(Reply::raw(StatusCode::OK, stream::TYPE, event).header("a2a-version", envelope.generation.version()))
    };
    let version = version(call)?;
    if version.as_deref().is_some_and(|version| Generation::of_version(version).is_none()) {
        return refused(&Refusal::VersionNotSupported);
    }
    let message = match find(platform, permitted, envelope).await {
        Ok(message) => message,
        Err(Fault::Refused(refusal)) => return refused(&refusal),
        Err(Fault::Problem(problem)) => return Err(problem),
    };
    let begin = match resume {
        Some(place) => Begin::After(place),
        None if message.state.is_terminal() && !is_open(&message) => {
            return refused(&Refusal::Unsupported("the task is over; tasks/get shows it".to_owned()));
        }
        None => Begin::Now,
    };
    let lease = permitted.snapshot.lease.as_ref();
    let status = effective(&permitted.workspace, lease, platform.now()).status;
    let push = permitted.workspace.delivery.mode == DeliveryMode::Push;
    let longest = (status.is_dispatchable() && push && !message.is_deferred()).then_some(platform.config.sync_wait);
    let form = Form::of(envelope, version.as_deref());
    stream::answer(platform, message, Waiter { longest, status, push, form }, call.live, begin).await
}

/// Its agent goes on with it beyond the answer.
fn is_open(message: &Message) -> bool {
    message.answer.as_ref().and_then(|answer| answer.task.as_ref()).is_some_and(rules::task::AgentTask::is_open)
}
