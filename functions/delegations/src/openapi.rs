//! The OpenAPI description of this function.
#![expect(dead_code, reason = "these types describe answers; nothing makes a value of them")]

use platform::openapi::Time;
use rules::delegation::Stage;
use rules::{MessageId, WorkspaceId};
use utoipa::{OpenApi, ToSchema};

/// A delegation that is under way.
#[derive(ToSchema)]
pub(crate) struct Delegated {
    delegation_id: String,
    /// `delegated`, or of a repeat the state of the first one.
    status: String,
    target_id: WorkspaceId,
    /// Its message, once there is one.
    queue_id: Option<MessageId>,
    /// The first one with its `idempotency_key`.
    #[schema(nullable = false)]
    idempotent_hit: Option<bool>,
}

/// A delegation, or its result.
#[derive(ToSchema)]
#[schema(as = DelegationRow)]
pub(crate) struct Row {
    id: String,
    /// `delegation`.
    r#type: String,
    source_id: WorkspaceId,
    target_id: WorkspaceId,
    summary: String,
    status: Stage,
    created_at: Time,
    delegation_id: String,
    #[schema(nullable = false)]
    queue_id: Option<MessageId>,
    #[schema(nullable = false)]
    error: Option<String>,
    #[schema(nullable = false)]
    response_preview: Option<String>,
}

/// A delegation that was recorded.
#[derive(ToSchema)]
pub(crate) struct Recorded {
    delegation_id: String,
    /// `recorded`.
    status: String,
}

/// A recorded delegation as it is now.
#[derive(ToSchema)]
pub(crate) struct Updated {
    delegation_id: String,
    status: Stage,
}

/// What an agent says of a delegation.
#[derive(ToSchema)]
#[schema(as = DelegationUpdateStatus, rename_all = "snake_case")]
pub(crate) enum UpdateStatus {
    Completed,
    Failed,
    Queued,
}

#[derive(OpenApi)]
#[openapi(paths(crate::delegate::delegate, crate::list::list, crate::record::record, crate::record::update,))]
struct Described;

/// What its routes take and answer.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Described::openapi()
}
