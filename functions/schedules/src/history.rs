//! `GET /workspaces/{id}/schedules/{schedule_id}/history`.

use platform::fires::unknown_schedule;
use platform::openapi::Refusals;
use platform::store::Look;
use platform::{Call, Platform, Problem, Reply, Result};
use rules::Timestamp;
use serde_json::Value;

use crate::openapi;
use crate::show;
use crate::update::schedule_id;

/// The ledger of a schedule, newest first: 200 `[{"timestamp","duration_ms","status","error_detail","request","outcome",
/// "nominal","lateness_ms","wait_ms","queue_id", …}]`. `?limit=` 1 to 500, else 20; `?before=` a nominal time, for the next
/// page. Rows are kept for `ACTIVITY_RETENTION_DAYS`.
///
/// # Errors
/// 400; 401; 403; 404; 503.
#[utoipa::path(
    get,
    path = "/workspaces/{id}/schedules/{schedule_id}/history",
    operation_id = "get_schedule_history",
    params(
        ("limit" = Option<u32>, Query, description = "How many, else 20", minimum = 1, maximum = 500),
        ("before" = Option<platform::openapi::Time>, Query, description = "A nominal time: older ones only"),
    ),
    responses(
        (status = 200, description = "Newest first", body = Vec<openapi::Fire>),
        Refusals<400, 401, 403, 404, 503>,
    ),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn history(platform: Platform, call: Call) -> Result<Reply> {
    let (_, id, _) = platform.operator_or_self(&call, Look::record()).await?;
    let limit = call.number("limit", 20, 1, 500)?;
    let before = call.query.get("before").map(|text| {
        Timestamp::parse_rfc3339(text)
            .ok_or_else(|| Problem::bad_request("invalid_query", "before must be a time as in RFC 3339"))
    });
    let before = before.transpose()?;
    let schedule = platform.store.schedule(id, schedule_id(&call)?).await?.ok_or_else(unknown_schedule)?;
    let now = platform.now();
    let oldest = now - platform.config.retention;
    let rows = platform.store.fires(id, schedule.id, before, oldest, limit).await?;
    let shown: Vec<Value> = rows.iter().map(|row| show::fire(row, &schedule, now)).collect();
    Ok(Reply::ok(&shown))
}
