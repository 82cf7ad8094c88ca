//! `POST /workspaces/{id}/a2a/queue/{queue_id}/result`: an agent that accepted a long turn answers it.

use bytes::Bytes;
use platform::agents::version;
use platform::auth::Principal;
use platform::delivery::{Delivery, Ended, Ending, SlotAfter};
use platform::openapi::Refusals;
use platform::store::Look;
use platform::{Call, Platform, Problem, Reply, Result};
use rules::MessageId;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::openapi;

/// The largest result, in bytes: Lambda takes events of 6 MB, in which the body's quotes are escaped.
pub(crate) const MAX_RESULT: usize = 4 * 1024 * 1024;

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = MessageResult)]
struct Body {
    slot_epoch: u64,
    #[schema(minimum = 200, maximum = 599)]
    status: u16,
    #[schema(value_type = serde_json::Value)]
    body: Box<RawValue>,
}

/// Takes `{"slot_epoch","status","body"}` from the workspace that holds the message; 200 `{"status":"completed"}`, or
/// 409 `late_result` when the message's slot is another's by now: the result is noted and changes nothing. The same result
/// once more is no error.
///
/// # Errors
/// 400, 401, 403, 404, 409.
#[utoipa::path(
    post,
    path = "/workspaces/{id}/a2a/queue/{queue_id}/result",
    operation_id = "settle_message",
    params(("A2A-Version" = Option<String>, Header, description = "Of the body")),
    request_body = Body,
    responses(
        (status = 200, description = "Its sender gets it", body = openapi::Settled),
        Refusals<400, 401, 403, 404, 409, 503>,
    ),
    security(("workspace" = [])),
)]
pub(crate) async fn result(platform: Platform, call: Call) -> Result<Reply> {
    let (principal, id, _) = platform.operator_or_self(&call, Look::record()).await?;
    let queue_id: MessageId = call.id("queue_id")?;
    if principal != Principal::Workspace(id) {
        return Err(Problem::forbidden("not_your_workspace", "only the workspace that got the message may answer it"));
    }
    call.shallow()?;
    let body: Body = call.json()?;
    if !(200..=599).contains(&body.status) {
        return Err(Problem::bad_request("invalid_field", "status must be an HTTP status from 200 to 599"));
    }
    let ending = Ending::Answered {
        status: body.status,
        content_type: "application/json".to_owned(),
        a2a_version: call.header("a2a-version").and_then(version),
        body: Bytes::from(body.body.get().as_bytes().to_vec()),
    };
    let delivery = Delivery { target: id, id: queue_id, slot_epoch: body.slot_epoch, sent_at: None };
    match platform.end_delivery(&delivery, &ending, SlotAfter::Free).await? {
        Ended::Settled(message) => {
            platform.wake_drain(id).await;
            Ok(Reply::ok(&json!({ "status": message.state })))
        }
        Ended::Late => {
            Err(Problem::conflict("late_result", "the message is not with this delivery any more; drop the result"))
        }
        Ended::Unknown => Err(Problem::unknown_message()),
    }
}
