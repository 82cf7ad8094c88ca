//! `POST /workspaces/{id}/a2a`.

use platform::accept::Target;
use platform::openapi::{AnyObject, NamedWorkspace, Refusals};
use platform::{Call, Platform, Reply, Result};
use rules::Status;
use rules::delivery::DeliveryMode;
use rules::envelope::{Generation, MethodKind, Refusal};
use rules::liveness::effective;

use crate::answer::{self, Waiter};
use crate::openapi;
use crate::stream::Begin;
use crate::{caller, message, stream, tasks};

/// Accepts a message: stored, then queued, then answered. The agent's own status and body if they come within the wait,
/// else 202 `{"queued":true,"queue_id","queue_depth","status","message"}` with `Location` and `Retry-After`; a caller that
/// speaks the protocol gets a Task instead, and one that streams the events of the answer as server-sent events. Calls about
/// tasks are answered from the record, and never queued.
///
/// A version in `A2A-Version` that is neither of 0.3 nor of 1.0 gets the protocol's refusal -32009, with status 200.
///
/// A repeat of a messageId by the same sender gets the first one's outcome.
///
/// # Errors
/// 400 malformed; 401; 403 `access_denied`; 404; 409 `idempotency_conflict`; 410 removed; 413; 503 when it could not be
/// queued, and then nothing is.
#[utoipa::path(
    post,
    path = "/workspaces/{id}/a2a",
    operation_id = "send_message",
    params(
        NamedWorkspace,
        ("A2A-Version" = Option<String>, Header, description = "Of the protocol: 0.3 or 1.0"),
        ("Idempotency-Key" = Option<String>, Header, description = "Else the messageId"),
        ("X-Timeout" = Option<u32>, Header, description = "Seconds to wait for the answer"),
        ("Prefer" = Option<String>, Header, description = "`respond-async` waits not at all"),
        ("X-Priority" = Option<String>, Header, description = "`critical`, `task` or `info`"),
        ("X-Deadline" = Option<String>, Header, description = "When the message expires"),
        ("X-Not-Before" = Option<String>, Header, description = "When it may be delivered at the earliest"),
        ("Last-Event-ID" = Option<String>, Header, description = "Go on after this event"),
    ),
    request_body = openapi::Rpc,
    responses(
        (
            status = 200,
            description = "The agent's answer, a task, or the events of the answer",
            content((AnyObject = "application/json"), (AnyObject = "text/event-stream")),
        ),
        (
            status = 202,
            description = "Queued: look at `Location` later",
            body = openapi::Queued,
            headers(("Location" = String), ("Retry-After" = u32)),
        ),
        (status = "default", description = "The agent's own answer, with its own status"),
        Refusals<400, 401, 403, 404, 409, 410, 422, 502>,
        Refusals<503, 504>,
    ),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn accept(platform: Platform, call: Call) -> Result<Reply> {
    let permitted = caller::permit(&platform, &call).await?;
    let envelope = message::envelope(&platform, &call)?;
    let version = message::version(&call)?;
    let version = version.as_deref();
    if version.is_some_and(|version| Generation::of_version(version).is_none()) {
        return Ok(tasks::refused(&envelope, &Refusal::VersionNotSupported));
    }
    match envelope.kind {
        MethodKind::Get | MethodKind::Cancel | MethodKind::List => {
            return tasks::answer(&platform, &permitted, &envelope).await;
        }
        MethodKind::Resubscribe => return tasks::subscribe(&platform, &call, version, &permitted, &envelope).await,
        _ => {}
    }
    let streamed = envelope.kind == MethodKind::Stream;
    let begin = stream::resume(&call)?.map_or(Begin::First, Begin::After);
    let draft = message::draft(&platform, &call, version, &permitted, envelope).await?;
    let (wait, form) = (draft.wait, draft.form.clone());
    let mut target = Target { workspace: permitted.workspace, lease: permitted.snapshot.lease };
    let message = platform.accept(&mut target, &draft.draft, &|transaction| transaction).await?;
    let truth = effective(&target.workspace, target.lease.as_ref(), platform.now());
    let push = target.workspace.delivery.mode == DeliveryMode::Push;
    let served = truth.status.is_dispatchable() && push && !message.is_deferred();
    // A drain of one that is hibernated wakes it.
    if served || truth.status == Status::Hibernated {
        platform.wake_drain(permitted.target).await;
    }
    let waiter = Waiter { longest: wait.filter(|_| served), status: truth.status, push, form };
    if streamed {
        return stream::answer(&platform, message, waiter, call.live, begin).await;
    }
    answer::wait(&platform, message, waiter).await
}
