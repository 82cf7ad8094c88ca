//! `GET /workspaces/{id}/schedules` and `…/{schedule_id}`.

use platform::fires::unknown_schedule;
use platform::openapi::Refusals;
use platform::store::Look;
use platform::{Call, Platform, Problem, Reply, Result};
use serde_json::Value;

use crate::around::Around;
use crate::openapi;
use crate::show;
use crate::update::schedule_id;

/// All schedules of a workspace, oldest first: 200 `[{"id","workspace_id","name","cron_expr","timezone","prompt","enabled",
/// "last_run_at","next_run_at","run_count","last_status","last_error","source","created_at","updated_at", …}]`, with
/// settings, starvation and coverage. The workspace itself or an operator.
///
/// # Errors
/// 401; 403; 404 for operators; 503.
#[utoipa::path(
    get,
    path = "/workspaces/{id}/schedules",
    operation_id = "list_schedules",
    responses(
        (status = 200, description = "Oldest first", body = Vec<openapi::InFull>),
        Refusals<400, 401, 403, 404, 503>,
    ),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn list(platform: Platform, call: Call) -> Result<Reply> {
    let (_, id, seen) = platform.operator_or_self(&call, Look::record().lease().slots()).await?;
    let workspace = seen.workspace.as_ref().ok_or_else(Problem::no_workspace)?;
    let now = platform.now();
    let schedules = platform.store.schedules(id).await?;
    let prompts = platform.store.prompts(&schedules).await?;
    let around = Around::of(workspace, seen.lease.as_ref(), &seen.slots, now);
    let shown: Vec<Value> = schedules
        .iter()
        .zip(&prompts)
        .map(|(schedule, prompt)| show::schedule(schedule, &prompt.text, &around, now))
        .collect();
    Ok(Reply::ok(&shown))
}

/// One schedule: 200, as in the list.
///
/// # Errors
/// 400; 401; 403; 404; 503.
#[utoipa::path(
    get,
    path = "/workspaces/{id}/schedules/{schedule_id}",
    operation_id = "get_schedule",
    responses((status = 200, description = "The schedule", body = openapi::InFull), Refusals<400, 401, 403, 404, 503>),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn get(platform: Platform, call: Call) -> Result<Reply> {
    let (_, id, seen) = platform.operator_or_self(&call, Look::record().lease().slots()).await?;
    let workspace = seen.workspace.as_ref().ok_or_else(Problem::no_workspace)?;
    let schedule = platform.store.schedule(id, schedule_id(&call)?).await?.ok_or_else(unknown_schedule)?;
    let prompt = platform.store.prompt(id, schedule.id).await?.unwrap_or_default();
    let now = platform.now();
    let around = Around::of(workspace, seen.lease.as_ref(), &seen.slots, now);
    Ok(Reply::ok(&show::schedule(&schedule, &prompt.text, &around, now)))
}
