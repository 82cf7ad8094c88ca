//! `GET` and `POST /workspaces/{id}/activity`: what an agent reports of itself.

use platform::decide::{Fault, decide};
use platform::openapi::Refusals;
use platform::store::Look;
use platform::{Call, Platform, Problem, Reply, Result};
use rules::activity::{Activity, Kind, Outcome};
use rules::id::ActivityId;
use rules::{Status, WorkspaceId};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::openapi;

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = ActivityReport)]
struct Report {
    #[schema(value_type = Kind)]
    activity_type: String,
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    summary: Option<String>,
    #[serde(default)]
    target_id: Option<String>,
    #[serde(default)]
    source_id: Option<String>,
    #[serde(default)]
    #[schema(value_type = Option<Outcome>)]
    status: Option<String>,
    #[serde(default)]
    error_detail: Option<String>,
    #[serde(default)]
    duration_ms: Option<u64>,
    #[serde(default)]
    request_body: Option<Value>,
    #[serde(default)]
    response_body: Option<Value>,
    #[serde(default)]
    metadata: Option<Value>,
}

/// Takes `{"activity_type","method"?,"summary"?,"target_id"?,"status"?,"error_detail"?,"duration_ms"?,"request_body"?,
/// "response_body"?,"metadata"?}`; 200 `{"status":"logged","id"}` when it is stored. Kept for `ACTIVITY_RETENTION_DAYS`.
/// `metadata` stands for a `request_body` that is not there. The workspace itself or an operator.
///
/// # Errors
/// 400 with the field and the reason; 401; 403, also for a `source_id` that is not the workspace's; 404 for operators; 410;
/// 503.
#[utoipa::path(
    post,
    path = "/workspaces/{id}/activity",
    operation_id = "report_activity",
    request_body = Report,
    responses((status = 200, description = "Stored", body = openapi::Logged), Refusals<400, 401, 403, 404, 410, 503>),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn report(platform: Platform, call: Call) -> Result<Reply> {
    let (_, id, _) = platform.operator_or_self(&call, Look::record()).await?;
    let report: Report = call.json()?;
    let own = id.to_string();
    if report.source_id.as_deref().is_some_and(|source| !source.is_empty() && source != own) {
        return Err(Problem::forbidden("not_your_source", "source_id must match authenticated workspace"));
    }
    let text = |text: Option<String>| text.filter(|text| !text.is_empty());
    let body = |body: Option<Value>| body.filter(|body| !body.is_null()).map(|body| body.to_string());
    let now = platform.now();
    let activity = Activity {
        id: ActivityId::new(platform.entropy.ordered_uuid(now)),
        workspace_id: id,
        activity_type: Kind::parse(&report.activity_type)?,
        source_id: Some(id),
        target_id: text(report.target_id),
        method: text(report.method),
        summary: text(report.summary),
        request_body: body(report.request_body).or_else(|| body(report.metadata)),
        response_body: body(report.response_body),
        duration_ms: report.duration_ms,
        status: Outcome::parse(report.status.as_deref().unwrap_or_default())?,
        error_detail: text(report.error_detail),
        created_at: now,
    };
    activity.check()?;
    decide(|| store(&platform, id, &activity)).await?;
    Ok(Reply::ok(&json!({ "status": "logged", "id": activity.id })))
}

async fn store(platform: &Platform, id: WorkspaceId, activity: &Activity) -> Result<(), Fault> {
    let workspace = platform.store.workspace(id).await?.ok_or_else(Problem::no_workspace)?;
    if workspace.status == Status::Removed {
        return Err(Problem::gone().into());
    }
    let transaction = platform.store.transaction().check_workspace(&workspace);
    Ok(transaction.put_activity(activity, platform.config.retention).commit().await?)
}

/// What a workspace reported, newest first: 200 `[{"id","workspace_id","activity_type","source_id","target_id","method",
/// "summary","duration_ms","status","error_detail","created_at","request_body"?,"response_body"?}]`. `?type=`, `?limit=` 1 to
/// 500, else 100; `?source=agent` (all there are) or `canvas` (none). The workspace itself or an operator.
///
/// # Errors
/// 400; 401; 403; 404 for operators; 503.
#[utoipa::path(
    get,
    path = "/workspaces/{id}/activity",
    operation_id = "list_activity",
    params(
        ("type" = Option<Kind>, Query, description = "Of this type only"),
        ("source" = Option<openapi::Source>, Query, description = "`canvas` finds none"),
        ("limit" = Option<u32>, Query, description = "How many, else 100", minimum = 1, maximum = 500),
    ),
    responses(
        (status = 200, description = "Newest first", body = Vec<openapi::Activity>),
        Refusals<400, 401, 403, 404, 503>,
    ),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn list(platform: Platform, call: Call) -> Result<Reply> {
    let (_, id, _) = platform.operator_or_self(&call, Look::record()).await?;
    let limit = call.number("limit", 100, 1, 500)?;
    let asked = |name: &str| call.query.get(name).map(String::as_str).filter(|text| !text.is_empty());
    let kind = asked("type").map(Kind::parse).transpose()?;
    let from_agents = match asked("source") {
        None | Some("agent") => true,
        Some("canvas") => false,
        Some(_) => return Err(Problem::bad_request("invalid_query", "source must be 'canvas' or 'agent'")),
    };
    let oldest = platform.now() - platform.config.retention;
    let limit = if from_agents { usize::try_from(limit).unwrap_or_default() } else { 0 };
    let found = platform.store.activity(id, kind, oldest, limit).await?;
    Ok(Reply::ok(&found.iter().map(shown).collect::<Vec<_>>()))
}

fn shown(activity: &Activity) -> Value {
    let mut shown = json!({
        "id": activity.id,
        "workspace_id": activity.workspace_id,
        "activity_type": activity.activity_type,
        "source_id": activity.source_id,
        "target_id": activity.target_id,
        "method": activity.method,
        "summary": activity.summary,
        "duration_ms": activity.duration_ms,
        "status": activity.status,
        "error_detail": activity.error_detail,
        "created_at": activity.created_at.rfc3339(),
    });
    // Stored as text, so that the item has the same attributes whatever the body.
    let read = |text: &Option<String>| text.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok());
    for (name, body) in
        [("request_body", read(&activity.request_body)), ("response_body", read(&activity.response_body))]
    {
        if let Some(body) = body {
            shown[name] = body;
        }
    }
    shown
}
