//! `POST /workspaces/{id}/schedules/{schedule_id}/run`.

use platform::openapi::Refusals;
use platform::store::Look;
use platform::{Call, Platform, Reply, Result};
use rules::schedule::Trigger;
use serde_json::json;

use crate::openapi;
use crate::update::schedule_id;

/// Fires now, through the same gate as a fire that is due: 200 `{"status":"fired","workspace_id","prompt","queue_id",
/// "outcome"}`. `outcome` is `pending`, or `skipped` with a `reason` where the schedule skips a fire that meets an open one.
///
/// # Errors
/// 400; 401; 403; 404; 409 `workspace_paused`; 410; 503.
#[utoipa::path(
    post,
    path = "/workspaces/{id}/schedules/{schedule_id}/run",
    operation_id = "run_schedule",
    responses(
        (status = 200, description = "Fired, or skipped", body = openapi::Ran),
        Refusals<400, 401, 403, 404, 409, 410, 503>,
    ),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn run(platform: Platform, call: Call) -> Result<Reply> {
    let (_, id, _) = platform.operator_or_self(&call, Look::record()).await?;
    let schedule_id = schedule_id(&call)?;
    let fire = platform.run_schedule(id, schedule_id, Trigger::Run, None).await?;
    let prompt = platform.store.prompt(id, schedule_id).await?.unwrap_or_default();
    let settled = fire.outcome.is_settled();
    Ok(Reply::ok(&json!({
        "status": if settled { "skipped" } else { "fired" },
        "workspace_id": id,
        "prompt": prompt.text,
        "schedule_id": schedule_id,
        "queue_id": fire.queue_id.filter(|_| !settled),
        "outcome": fire.outcome,
        "reason": fire.reason,
    })))
}
