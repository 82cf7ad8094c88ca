//! The OpenAPI description of this function.
#![expect(dead_code, reason = "these types describe answers; nothing makes a value of them")]

use platform::openapi::Time;
use rules::delivery::DeliveryMode;
use rules::{MessageId, Status};
use utoipa::{OpenApi, ToSchema};

/// How a workspace stands, as its agent hears it.
#[derive(ToSchema)]
pub(crate) struct Standing {
    /// `ok`.
    status: String,
    workspace_status: Status,
    delivery_mode: DeliveryMode,
    /// Messages that wait.
    pending: u32,
    server_time: Time,
    heartbeat_interval_seconds: f64,
    /// What the agent is to do about a turn that runs too long.
    #[schema(nullable = false)]
    control: Option<Vec<Control>>,
}

/// What an agent is to do about a turn.
#[derive(ToSchema)]
pub(crate) struct Control {
    kind: ControlKind,
    queue_id: Option<MessageId>,
    at: Time,
    grace_seconds: f64,
    reason: String,
}

/// In one word.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum ControlKind {
    CheckpointAndExit,
    Cancel,
    Restart,
}

#[derive(OpenApi)]
#[openapi(paths(super::heartbeat))]
struct Described;

/// What its routes take and answer.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Described::openapi()
}
