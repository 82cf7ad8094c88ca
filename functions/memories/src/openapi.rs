//! The OpenAPI description of this function.
#![expect(dead_code, reason = "these types describe answers; nothing makes a value of them")]

use platform::openapi::Time;
use rules::WorkspaceId;
use rules::id::MemoryId;
use rules::memory::Scope;
use utoipa::{OpenApi, ToSchema};

/// What an agent wrote down.
#[derive(ToSchema)]
pub(crate) struct Memory {
    id: MemoryId,
    workspace_id: WorkspaceId,
    content: String,
    scope: Scope,
    namespace: String,
    created_at: Time,
}

/// A memory that was stored.
#[derive(ToSchema)]
pub(crate) struct Committed {
    id: MemoryId,
    scope: Scope,
    namespace: String,
}

#[derive(OpenApi)]
#[openapi(paths(crate::search::search, crate::commit::commit, crate::delete::delete))]
struct Described;

/// What its routes take and answer.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Described::openapi()
}
