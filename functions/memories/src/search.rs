//! `GET /workspaces/{id}/memories`.

use platform::openapi::Refusals;
use platform::store::Look;
use platform::{Call, Platform, Problem, Reply, Result};
use rules::memory::{Memory, Scope, found};
use serde_json::{Value, json};

use crate::openapi;

/// The longest text that is searched for, in bytes.
const MAX_QUERY: usize = 1000;
/// How many memories are shown.
const SHOWN: usize = 50;

/// Memories, best first, then newest: 200 `[{"id","workspace_id","content","scope","namespace","created_at"}]`, at most 50
/// (`?limit=`). `?scope=LOCAL` own ones, `TEAM` those of parent and siblings, or of a root's children, too, `GLOBAL` all of
/// the organisation; without a scope, own ones of any. `?q=` words, `?namespace=`. The workspace itself or an operator.
///
/// # Errors
/// 400; 401; 403; 404 for operators; 503.
#[utoipa::path(
    get,
    path = "/workspaces/{id}/memories",
    operation_id = "search_memories",
    params(
        ("scope" = Option<Scope>, Query, description = "Whose; else its own of any scope"),
        ("q" = Option<String>, Query, description = "Words", max_length = 1000),
        ("namespace" = Option<String>, Query, description = "Of this namespace only"),
        ("limit" = Option<u32>, Query, description = "How many, at most 50"),
    ),
    responses(
        (status = 200, description = "Best first, then newest", body = Vec<openapi::Memory>),
        Refusals<400, 401, 403, 404, 503>,
    ),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn search(platform: Platform, call: Call) -> Result<Reply> {
    let (_, id, seen) = platform.operator_or_self(&call, Look::record()).await?;
    let text = |name: &str| call.query.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
    let scope = text("scope").map(Scope::parse).transpose()?;
    let query = text("q");
    if query.is_some_and(|query| query.len() > MAX_QUERY) {
        return Err(Problem::bad_request("invalid_query", "q may have at most 1000 bytes"));
    }
    // Existing clients send what they like here, and mean 50 by it.
    let limit = text("limit").and_then(|limit| limit.parse().ok()).filter(|limit| *limit > 0).unwrap_or(SHOWN);
    let workspace = seen.workspace.ok_or_else(Problem::no_workspace)?;
    let mut memories = match scope {
        Some(Scope::Team) => platform.team_memories(&workspace).await?,
        Some(Scope::Global) => platform.store.global_memories(&workspace.org).await?,
        own => platform.store.memories(id, own).await?,
    };
    if let Some(namespace) = text("namespace") {
        memories.retain(|memory| memory.namespace == namespace);
    }
    let shown: Vec<Value> = found(memories, query).iter().take(limit.min(SHOWN)).map(shown).collect();
    Ok(Reply::ok(&shown))
}

fn shown(memory: &Memory) -> Value {
    json!({
        "id": memory.id,
        "workspace_id": memory.workspace_id,
        "content": memory.shown(),
        "scope": memory.scope,
        "namespace": memory.namespace,
        "created_at": memory.created_at.rfc3339(),
    })
}
