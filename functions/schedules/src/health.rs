//! `GET /workspaces/{id}/schedules/health` and `GET /admin/schedules/health`.

use futures::{StreamExt, TryStreamExt, stream};
use platform::auth::Principal;
use platform::openapi::{NamedWorkspace, Refusals};
use platform::store::Look;
use platform::{Call, Platform, Problem, Reply, Result};
use rules::access::{Party, can_communicate};
use rules::lease::Lease;
use rules::schedule::{Schedule, standing};
use rules::workspace::Workspace;
use rules::{Status, Timestamp};
use serde_json::{Value, json};

use crate::around::Around;
use crate::openapi;
use crate::show;

/// How many workspaces are read at once.
const AT_ONCE: usize = 16;

/// How a workspace's schedules fare, without prompt and expression: 200 `[{"id","name","enabled","last_run_at",
/// "next_run_at","run_count","last_status","last_error","consecutive_not_fired","starving","coverage_24h", …}]`. For
/// operators, the workspace itself, and relatives, which name themselves in `X-Workspace-ID`.
///
/// # Errors
/// 401, also for a workspace's token without `X-Workspace-ID`; 403; 404 for operators; 503.
#[utoipa::path(
    get,
    path = "/workspaces/{id}/schedules/health",
    operation_id = "get_schedules_health",
    params(NamedWorkspace),
    responses(
        (status = 200, description = "Each schedule, without its prompt", body = Vec<openapi::Health>),
        Refusals<400, 401, 403, 404, 503>,
    ),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn of_workspace(platform: Platform, call: Call) -> Result<Reply> {
    let named = call.named_workspace();
    let look = Look::record().lease().slots().other(named.as_ref().ok().copied().flatten());
    let (principal, id, seen) = platform.any_principal(&call, look).await?;
    let named = named?;
    if let Principal::Workspace(own) = principal {
        let text = "X-Workspace-ID header required: the id of the asking workspace";
        let named = named.ok_or_else(|| Problem::unauthorized("missing_workspace_id", text))?;
        if named != own {
            let text = "the token belongs to another workspace than X-Workspace-ID";
            return Err(Problem::forbidden("not_your_workspace", text));
        }
        let (from, to) = (seen.other.as_ref().map(Party::from), seen.workspace.as_ref().map(Party::from));
        if own != id && !can_communicate(from.as_ref(), to.as_ref()) {
            return Err(Problem::forbidden("access_denied", "access denied"));
        }
    }
    let workspace = seen.workspace.as_ref().ok_or_else(Problem::no_workspace)?;
    let now = platform.now();
    let around = Around::of(workspace, seen.lease.as_ref(), &seen.slots, now);
    let schedules = platform.store.schedules(id).await?;
    let shown: Vec<Value> = schedules.iter().map(|schedule| show::health(schedule, &around, now)).collect();
    Ok(Reply::ok(&shown))
}

/// All schedules of the organisation, by the names of their workspaces: 200 `[{"workspace_id","workspace_name",
/// "schedule_id","schedule_name","cron_expr","last_run_at","expected_next_run","status","stale_threshold_seconds",
/// "starving","coverage_24h","session_age_seconds", …}]`; `status` is `never_run`, `ok`, `stale`, `starved` or `disabled`.
/// Operators.
///
/// # Errors
/// 401; 403; 503.
#[utoipa::path(
    get,
    path = "/admin/schedules/health",
    operation_id = "get_all_schedules_health",
    responses(
        (status = 200, description = "By the names of their workspaces", body = Vec<openapi::Row>),
        Refusals<401, 403, 503>,
    ),
    security(("operator" = [])),
)]
pub(crate) async fn of_all(platform: Platform, call: Call) -> Result<Reply> {
    platform.operator(&call).await?;
    let now = platform.now();
    let ids = platform.store.workspaces(&platform.config.org).await?;
    let mut found = platform.store.look_many(&ids).await?.found;
    found.retain(|(workspace, _)| workspace.status != Status::Removed);
    found.sort_by(|(one, _), (other, _)| (&one.name, one.id).cmp(&(&other.name, other.id)));
    let platform = &platform;
    let rows: Vec<Vec<Value>> = stream::iter(found)
        .map(|(workspace, lease)| async move { rows(platform, &workspace, lease.as_ref(), now).await })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    Ok(Reply::ok(&rows.concat()))
}

async fn rows(platform: &Platform, workspace: &Workspace, lease: Option<&Lease>, now: Timestamp) -> Result<Vec<Value>> {
    let mut schedules = platform.store.schedules(workspace.id).await?;
    if schedules.is_empty() {
        return Ok(Vec::new());
    }
    schedules.sort_by(|one, other| one.name.cmp(&other.name));
    let slots = platform.store.look(workspace.id, &Look::record().slots()).await?.slots;
    let around = Around::of(workspace, lease, &slots, now);
    let row = |schedule: &Schedule| {
        let (state, stale_after) = standing(schedule, now);
        let mut shown = show::health(schedule, &around, now);
        shown["workspace_id"] = json!(workspace.id);
        shown["workspace_name"] = json!(workspace.name);
        shown["schedule_id"] = shown["id"].take();
        shown["schedule_name"] = shown["name"].take();
        shown["cron_expr"] = json!(schedule.cron_expr);
        shown["timezone"] = json!(schedule.timezone);
        shown["expected_next_run"] = shown["next_run_at"].clone();
        shown["status"] = json!(state);
        shown["stale_threshold_seconds"] = json!(stale_after.as_secs());
        if let Value::Object(fields) = &mut shown {
            fields.retain(|name, _| name != "id" && name != "name");
        }
        shown
    };
    Ok(schedules.iter().map(row).collect())
}
