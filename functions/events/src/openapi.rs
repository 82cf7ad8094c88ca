//! The OpenAPI description of this function.
#![expect(dead_code, reason = "these types describe answers; nothing makes a value of them")]

use platform::openapi::Time;
use rules::WorkspaceId;
use rules::activity::{Kind, Outcome};
use rules::id::ActivityId;
use serde_json::Value;
use utoipa::{OpenApi, ToSchema};

/// A stored report.
#[derive(ToSchema)]
pub(crate) struct Logged {
    status: String,
    id: ActivityId,
}

/// Who reports.
#[derive(ToSchema)]
#[schema(as = ActivitySource, rename_all = "snake_case")]
pub(crate) enum Source {
    Agent,
    Canvas,
}

/// What an agent reported.
#[derive(ToSchema)]
pub(crate) struct Activity {
    id: ActivityId,
    workspace_id: WorkspaceId,
    activity_type: Kind,
    source_id: Option<WorkspaceId>,
    target_id: Option<String>,
    method: Option<String>,
    summary: Option<String>,
    duration_ms: Option<u64>,
    status: Outcome,
    error_detail: Option<String>,
    created_at: Time,
    request_body: Option<Value>,
    response_body: Option<Value>,
}

#[derive(OpenApi)]
#[openapi(
    components(schemas(Source)),
    paths(crate::list::of_all, crate::list::of_one, crate::activity::report, crate::activity::list)
)]
struct Described;

/// What its routes take and answer.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Described::openapi()
}
