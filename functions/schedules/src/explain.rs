//! `GET /workspaces/{id}/schedules/{schedule_id}/explain`: the checklist "schedule not firing" in one answer.

use platform::fires::unknown_schedule;
use platform::openapi::Refusals;
use platform::store::Look;
use platform::{Call, Platform, Problem, Reply, Result};
use rules::Timestamp;
use rules::liveness::{SCHEDULER, effective, is_stale};
use rules::schedule::explain::{Facts, explain as explained};
use serde_json::json;

use crate::around::Around;
use crate::openapi;
use crate::show;
use crate::update::schedule_id;

/// Says in words why the next or last fire did or did not happen, and what to do: 200 `{"summary","next_run_at",
/// "findings":[{"check","ok","says","do"}],"last"}`. The workspace itself or an operator.
///
/// # Errors
/// 400; 401; 403; 404; 503.
#[utoipa::path(
    get,
    path = "/workspaces/{id}/schedules/{schedule_id}/explain",
    operation_id = "explain_schedule",
    responses(
        (status = 200, description = "In words", body = openapi::Explanation),
        Refusals<400, 401, 403, 404, 503>,
    ),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn explain(platform: Platform, call: Call) -> Result<Reply> {
    let (_, id, seen) = platform.operator_or_self(&call, Look::record().lease().slots()).await?;
    let workspace = seen.workspace.as_ref().ok_or_else(Problem::no_workspace)?;
    let schedule = platform.store.schedule(id, schedule_id(&call)?).await?.ok_or_else(unknown_schedule)?;
    let now = platform.now();
    let oldest = now - platform.config.retention;
    let last = platform.store.fires(id, schedule.id, None, oldest, 1).await?.pop();
    let ticks = platform.store.ticks().await?;
    let scheduler = ticks.iter().find(|tick| tick.name == SCHEDULER).map(|tick| tick.at);
    let around = Around::of(workspace, seen.lease.as_ref(), &seen.slots, now);
    let facts = Facts {
        schedule: &schedule,
        status: effective(workspace, seen.lease.as_ref(), now).status,
        blocked: around.blocked.as_deref(),
        last: last.as_ref(),
        scheduler_at: scheduler,
        scheduler_stale: scheduler.is_none_or(|at| is_stale(at, now)),
        now,
    };
    let (summary, findings) = explained(&facts);
    Ok(Reply::ok(&json!({
        "summary": summary,
        "next_run_at": schedule.due().map(Timestamp::rfc3339),
        "findings": findings,
        "last": last.map(|row| show::fire(&row, &schedule, now)),
    })))
}
