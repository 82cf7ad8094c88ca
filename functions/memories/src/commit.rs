//! `POST /workspaces/{id}/memories`.

use http::StatusCode;
use platform::decide::{Fault, decide};
use platform::entropy::digest;
use platform::openapi::Refusals;
use platform::store::Look;
use platform::{Call, Platform, Problem, Reply, Result};
use rules::event::{Event, EventType};
use rules::memory::{self, MAX_MEMORIES, Memory, Scope};
use rules::{MemoryId, Status, WorkspaceId};
use serde::Deserialize;
use serde_json::json;

use crate::openapi;

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = NewMemory)]
struct Body {
    #[schema(max_length = 100_000)]
    content: String,
    #[schema(value_type = Scope)]
    scope: String,
    #[serde(default)]
    #[schema(max_length = 50)]
    namespace: Option<String>,
}

/// Takes `{"content","scope":"LOCAL|TEAM|GLOBAL","namespace"?}`; 201 `{"id","scope","namespace"}`. What looks like a secret
/// is taken out before it is stored. The workspace itself or an operator; GLOBAL for roots only, with an event.
///
/// # Errors
/// 400 with the field and the reason; 401; 403 `roots_only`; 404 for operators; 409 `too_many_memories`; 410; 413.
#[utoipa::path(
    post,
    path = "/workspaces/{id}/memories",
    operation_id = "commit_memory",
    request_body = Body,
    responses(
        (status = 201, description = "Stored", body = openapi::Committed),
        Refusals<400, 401, 403, 404, 409, 410, 503>,
    ),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn commit(platform: Platform, call: Call) -> Result<Reply> {
    let (_, id, _) = platform.operator_or_self(&call, Look::record()).await?;
    let body: Body = call.json()?;
    let scope = Scope::parse(&body.scope)?;
    if body.content.len() > memory::MAX_CONTENT_BYTES {
        return Err(Problem::too_large(memory::MAX_CONTENT_BYTES));
    }
    let memory = Memory {
        id: MemoryId::new(platform.entropy.ordered_uuid(platform.now())),
        workspace_id: id,
        content: memory::content(&body.content, scope)?,
        scope,
        namespace: memory::namespace(body.namespace.as_deref().unwrap_or_default())?,
        created_at: platform.now(),
    };
    if platform.store.memory_count(id).await? >= MAX_MEMORIES {
        let text = format!("the workspace has {MAX_MEMORIES} memories already; delete or consolidate some first");
        return Err(Problem::conflict("too_many_memories", text));
    }
    decide(|| store(&platform, id, &memory)).await?;
    let answer = json!({ "id": memory.id, "scope": memory.scope, "namespace": memory.namespace });
    Ok(Reply::json(StatusCode::CREATED, &answer))
}

async fn store(platform: &Platform, id: WorkspaceId, memory: &Memory) -> Result<(), Fault> {
    let workspace = platform.store.workspace(id).await?.ok_or_else(Problem::no_workspace)?;
    if workspace.status == Status::Removed {
        return Err(Problem::gone().into());
    }
    if memory.scope == Scope::Global && workspace.parent_id.is_some() {
        return Err(Problem::forbidden("roots_only", "only root workspaces can write GLOBAL memories").into());
    }
    let transaction = platform.store.transaction().check_workspace(&workspace).create_memory(memory, &workspace.org);
    let told = json!({
        "memory_id": memory.id,
        "namespace": memory.namespace,
        "content_sha256": digest(&memory.content),
    });
    let event = (memory.scope == Scope::Global).then(|| Event::new(EventType::MemoryWriteGlobal, told));
    Ok(platform.tell(transaction, &workspace, event).commit().await?)
}
