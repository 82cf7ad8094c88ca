//! `DELETE /workspaces/{id}/memories/{memory_id}`.

use platform::openapi::{Done, Refusals};
use platform::store::{CommitError, Look};
use platform::{Call, Platform, Problem, Reply, Result};
use rules::MemoryId;
use serde_json::json;

/// Deletes a memory that the workspace wrote: 200 `{"status":"deleted"}`. The workspace itself or an operator.
///
/// # Errors
/// 400; 401; 403; 404; 503.
#[utoipa::path(
    delete,
    path = "/workspaces/{id}/memories/{memory_id}",
    operation_id = "delete_memory",
    responses((status = 200, description = "Deleted", body = Done), Refusals<400, 401, 403, 404, 503>),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn delete(platform: Platform, call: Call) -> Result<Reply> {
    let (_, id, _) = platform.operator_or_self(&call, Look::record()).await?;
    let text = call.params.get("memory_id").map(String::as_str).unwrap_or_default();
    let memory: MemoryId = text.parse().map_err(|_| Problem::bad_request("invalid_id", "memory_id must be a UUID"))?;
    let unknown = || Problem::not_found("unknown_memory", "memory not found");
    let memory = platform.store.memory(id, memory).await?.ok_or_else(unknown)?;
    match platform.store.transaction().delete_memory(&memory).commit().await {
        Ok(()) => Ok(Reply::ok(&json!({ "status": "deleted" }))),
        Err(CommitError::Moved(_)) => Err(unknown()),
        Err(CommitError::Store(error)) => Err(error.into()),
    }
}
