//! Calls about tasks: answered from the hub's record, with or without the agent, and never queued.

mod cancel;
mod get;
mod list;
mod subscribe;

pub(crate) use subscribe::subscribe;

use http::StatusCode;
use platform::{Platform, Problem, Reply, Result};
use rules::envelope::{Envelope, MethodKind, Refusal, rpc_result};
use rules::message::{Message, State};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::caller::Permitted;
use crate::stream;

/// Why a call about a task has no result.
enum Fault {
    /// The protocol's own refusal, in a JSON-RPC error with HTTP status 200.
    Refused(Refusal),
    /// What is no matter of the protocol.
    Problem(Problem),
}

impl<E: Into<Problem>> From<E> for Fault {
    fn from(error: E) -> Self {
        Self::Problem(error.into())
    }
}

/// Answers `tasks/get`, `tasks/cancel`, `tasks/list` and their names in 1.0: 200 with a JSON-RPC result or error.
///
/// # Errors
/// 503 when the datastore does not answer.
pub(crate) async fn answer(platform: &Platform, permitted: &Permitted, envelope: &Envelope) -> Result<Reply> {
    let answered = match envelope.kind {
        MethodKind::Get => get::get(platform, permitted, envelope).await,
        MethodKind::Cancel => cancel::cancel(platform, permitted, envelope).await,
        _ => list::list(platform, permitted, envelope).await,
    };
    match answered {
        Ok(result) => {
            let reply = Reply::raw(StatusCode::OK, "application/json", rpc_result(&envelope.rpc_id, &result));
            Ok(reply.header("a2a-version", envelope.generation.version()))
        }
        Err(Fault::Refused(refusal)) => Ok(refused(envelope, &refusal)),
        Err(Fault::Problem(problem)) => Err(problem),
    }
}

/// The protocol's own refusal, with HTTP status 200. Who asked for events reads nothing else, and gets it as one.
pub(crate) fn refused(envelope: &Envelope, refusal: &Refusal) -> Reply {
    let answer = refusal.answer(&envelope.rpc_id);
    let reply = match envelope.kind {
        MethodKind::Stream | MethodKind::Resubscribe => {
            Reply::raw(StatusCode::OK, stream::TYPE, [b"data: ".as_slice(), &answer, b"\n\n"].concat())
        }
        _ => Reply::raw(StatusCode::OK, "application/json", answer),
    };
    reply.header("a2a-version", envelope.generation.version())
}

/// The params of a call.
fn params<T: DeserializeOwned + Default>(envelope: &Envelope) -> Result<T, Fault> {
    #[derive(Deserialize)]
    struct Rpc {
        params: Option<Value>,
    }
    let refused = |_| Fault::Refused(Refusal::InvalidParams("a param has the wrong type; see the protocol".to_owned()));
    let rpc: Rpc = serde_json::from_slice(&envelope.bytes).map_err(refused)?;
    rpc.params.map_or_else(|| Ok(T::default()), |params| serde_json::from_value(params).map_err(refused))
}

/// The task that a call names, if the caller may see it; the unknown and the hidden are one. One whose deadline has passed
/// while it waited ends here.
async fn find(platform: &Platform, permitted: &Permitted, envelope: &Envelope) -> Result<Message, Fault> {
    let Some(id) = &envelope.task_id else {
        return Err(Fault::Refused(Refusal::InvalidParams("params.id must be the id of a task".to_owned())));
    };
    let found = platform.store.task(permitted.target, &permitted.caller, id).await?;
    let message = found.filter(|message| permitted.may_see(message)).ok_or(Fault::Refused(Refusal::TaskNotFound))?;
    if message.state != State::Queued || message.deadline > platform.now() {
        return Ok(message);
    }
    let reason = "its deadline passed before it could be delivered";
    match platform.end_waiting(message.target, message.id, State::Expired, reason).await? {
        Some(expired) => Ok(expired),
        None => Ok(platform.store.message(message.target, message.id).await?.unwrap_or(message)),
    }
}
