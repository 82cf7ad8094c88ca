//! The OpenAPI description of this function.
#![expect(dead_code, reason = "these types describe answers; nothing makes a value of them")]

use platform::openapi::AnyObject;
use rules::MessageId;
use rules::delivery::DeliveryMode;
use rules::message::State;
use serde_json::Value;
use utoipa::{OpenApi, ToSchema};

/// A call of A2A, 0.3 or 1.0. A body without `jsonrpc` is wrapped.
#[derive(ToSchema)]
pub(crate) struct Rpc {
    /// `2.0`.
    jsonrpc: Option<String>,
    id: Option<Value>,
    #[schema(examples("message/send", "SendMessage", "tasks/get"))]
    method: String,
    params: AnyObject,
}

/// A message that waits for its agent.
#[derive(ToSchema)]
#[schema(as = QueuedMessage)]
pub(crate) struct Queued {
    queued: bool,
    queue_id: MessageId,
    /// Messages that wait; null if they could not be counted.
    queue_depth: Option<u32>,
    status: State,
    message: String,
    delivery_mode: DeliveryMode,
}

#[derive(OpenApi)]
#[openapi(paths(crate::accept::accept))]
struct Described;

/// What its routes take and answer.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Described::openapi()
}
