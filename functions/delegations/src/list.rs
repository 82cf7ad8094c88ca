//! `GET /workspaces/{id}/delegations`.

use platform::openapi::Refusals;
use platform::store::Look;
use platform::{Call, Platform, Problem, Reply, Result};
use rules::delegation::{Delegation, Stage, shortened};
use serde_json::{Value, json};

use crate::delegate::as_it_is;
use crate::openapi;

/// How many rows are shown.
const ROWS: usize = 50;
/// The longest preview of a result, in characters.
const PREVIEW: usize = 300;
/// The longest preview in a summary, in characters.
const SUMMARY: usize = 80;

/// The newest rows, at most 50: 200 `[{"id","type":"delegation","source_id","target_id","summary","status","created_at",
/// "delegation_id"[,"error"][,"response_preview"]}]`. A delegation has a row of its own and, once it waits or is over, one
/// of its result; both are made from the same record, so they never disagree.
///
/// # Errors
/// 401; 403; 404 for operators; 503.
#[utoipa::path(
    get,
    path = "/workspaces/{id}/delegations",
    operation_id = "list_delegations",
    responses(
        (status = 200, description = "Newest first", body = Vec<openapi::Row>),
        Refusals<400, 401, 403, 404, 503>,
    ),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn list(platform: Platform, call: Call) -> Result<Reply> {
    let (_, source, snapshot) = platform.operator_or_self(&call, Look::record()).await?;
    snapshot.workspace.ok_or_else(Problem::no_workspace)?;
    let mut rows = Vec::new();
    for delegation in platform.store.delegations(source, i32::try_from(ROWS).unwrap_or(50)).await? {
        let delegation = as_it_is(&platform, delegation).await?;
        rows.extend(result_row(&delegation));
        rows.push(row(&delegation, &format!("Delegating to {}", delegation.target)));
    }
    rows.truncate(ROWS);
    Ok(Reply::ok(&rows))
}

fn row(delegation: &Delegation, summary: &str) -> Value {
    let mut row = json!({
        "id": delegation.delegation_id,
        "type": "delegation",
        "source_id": delegation.source,
        "target_id": delegation.target,
        "summary": summary,
        "status": delegation.stage,
        "created_at": delegation.created_at.rfc3339(),
        "delegation_id": delegation.delegation_id,
    });
    if let Some(queue_id) = delegation.queue_id {
        row["queue_id"] = json!(queue_id);
    }
    if let Some(error) = &delegation.error {
        row["error"] = json!(error);
    }
    if let Some(result) = &delegation.result {
        row["response_preview"] = json!(shortened(result, PREVIEW));
    }
    row
}

fn result_row(delegation: &Delegation) -> Option<Value> {
    let summary = match delegation.stage {
        Stage::Completed => {
            format!("Delegation completed ({})", shortened(delegation.result.as_deref().unwrap_or_default(), SUMMARY))
        }
        Stage::Queued => "Delegation queued — target at capacity".to_owned(),
        Stage::Failed => "Delegation failed".to_owned(),
        Stage::Pending | Stage::Dispatched => return None,
    };
    let mut row = row(delegation, &summary);
    row["id"] = json!(format!("{}-result", delegation.delegation_id));
    if let Some(at) = delegation.finished_at {
        row["created_at"] = json!(at.rfc3339());
    }
    Some(row)
}
