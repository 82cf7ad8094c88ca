//! The OpenAPI description of this function.
#![expect(dead_code, reason = "these types describe answers; nothing makes a value of them")]

use rules::schedule::explain::Finding;
use rules::{Status, WorkspaceId};
use utoipa::{OpenApi, ToSchema};

/// The end of a log.
#[derive(ToSchema)]
pub(crate) struct Log {
    workspace_id: WorkspaceId,
    /// Of the runtime that wrote it.
    generation: u64,
    /// Oldest first.
    lines: Vec<String>,
}

/// The end of a log as one text.
#[derive(ToSchema)]
pub(crate) struct Console {
    output: String,
}

/// Why a workspace is as it is.
#[derive(ToSchema)]
#[schema(as = WorkspaceExplanation)]
pub(crate) struct Explanation {
    workspace_id: WorkspaceId,
    status: Status,
    generation: u64,
    summary: String,
    findings: Vec<Finding>,
    /// The last lines of its runtime.
    log: Vec<String>,
}

#[derive(OpenApi)]
#[openapi(paths(crate::logs::logs, crate::logs::console, crate::explain::explain))]
struct Described;

/// What its routes take and answer.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Described::openapi()
}
