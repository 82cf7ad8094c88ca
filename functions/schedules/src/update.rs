//! `PATCH` and `DELETE /workspaces/{id}/schedules/{schedule_id}`.

use platform::decide::{Fault, decide};
use platform::fires::{settled, unknown_schedule};
use platform::openapi::{Done, Refusals};
use platform::store::{CommitError, Look};
use platform::{Call, Platform, Problem, Reply, Result};
use rules::event::{Event, EventType};
use rules::schedule::{Schedule, passed};
use rules::{ScheduleId, WorkspaceId};
use serde_json::json;

use crate::create::{living, name_taken};
use crate::openapi;
use crate::settings::Settings;

/// Takes any of the settings of a schedule; 200 `{"status":"updated","next_run_at"}`. Fires that are due before the edit
/// are placed or settled first, as they were; an edit of when it fires, and switching it on, counts from now on.
///
/// # Errors
/// 400 with the field and the reason; 401; 403; 404; 409 `name_taken`; 410; 413.
#[utoipa::path(
    patch,
    path = "/workspaces/{id}/schedules/{schedule_id}",
    operation_id = "update_schedule",
    request_body = Settings,
    responses(
        (status = 200, description = "Changed", body = openapi::Updated),
        Refusals<400, 401, 403, 404, 409, 410, 503>,
    ),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn update(platform: Platform, call: Call) -> Result<Reply> {
    let (_, id, _) = platform.operator_or_self(&call, Look::record()).await?;
    let schedule_id = schedule_id(&call)?;
    let settings: Settings = call.json()?;
    // All that is wrong with the settings alone is told before anything changes.
    let prompt = settings.prompt()?;
    if platform.store.schedule(id, schedule_id).await?.is_none() {
        return Err(unknown_schedule());
    }
    platform.place_fires(id, schedule_id, platform.now()).await?;
    let after = decide(|| round(&platform, id, schedule_id, &settings, prompt.as_deref())).await?;
    platform.remind_of_next(&after).await;
    let next = after.due().map(rules::Timestamp::rfc3339);
    Ok(Reply::ok(&json!({ "status": "updated", "next_run_at": next })))
}

async fn round(
    platform: &Platform,
    id: WorkspaceId,
    schedule_id: ScheduleId,
    settings: &Settings,
    prompt: Option<&str>,
) -> Result<Schedule, Fault> {
    let seen = platform.store.look(id, &Look::record().schedule(Some(schedule_id))).await?;
    let workspace = living(seen.workspace)?;
    let before = seen.schedule.ok_or_else(unknown_schedule)?;
    let cron = settings.cron(&before.cron_expr, &before.timezone)?;
    let now = platform.now();
    let mut after = Schedule {
        name: settings.name(&before.name)?,
        cron_expr: cron.expression().to_owned(),
        timezone: cron.zone().to_owned(),
        enabled: settings.enabled.unwrap_or(before.enabled),
        policy: settings.policy(before.policy)?,
        prompt_revision: before.prompt_revision + u64::from(prompt.is_some()),
        updated_at: now,
        ..before.next_version()
    };
    let mut left = None;
    let timing = |schedule: &Schedule| {
        (schedule.cron_expr.clone(), schedule.timezone.clone(), schedule.enabled, schedule.policy.jitter_seconds)
    };
    if timing(&after) != timing(&before) {
        let hidden = before.cron().ok().and_then(|cron| passed(&before, &cron, now));
        left = hidden.map(|stretch| after.leave_out(stretch, now));
        after.restart(&cron, now);
    }
    let mut transaction = platform.store.transaction().claim_schedule_name(&after).put_schedule(&after);
    if after.name != before.name {
        transaction = transaction.free_schedule_name(id, &before.name);
    }
    if let Some(prompt) = prompt {
        transaction = transaction.put_prompt(&after, prompt);
    }
    let mut events = vec![told(EventType::ScheduleUpdated, &after)];
    if let Some(fire) = left {
        transaction = transaction.create_fire(&fire, platform.config.retention);
        events.push(settled(&fire, Some(&before)));
    }
    match platform.tell(transaction, &workspace, events).commit().await {
        Err(CommitError::Moved(failed)) if failed.iter().any(|failed| failed.index == 0) => Err(name_taken().into()),
        settled => settled.map(|()| after).map_err(Fault::from),
    }
}

/// Deletes a schedule: 200 `{"status":"deleted"}`. A turn of it that waits ends `cancelled`; one that runs goes on.
///
/// # Errors
/// 401; 403; 404; 503, and a repeat finishes it.
#[utoipa::path(
    delete,
    path = "/workspaces/{id}/schedules/{schedule_id}",
    operation_id = "delete_schedule",
    responses((status = 200, description = "Deleted", body = Done), Refusals<400, 401, 403, 404, 410, 503>),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn delete(platform: Platform, call: Call) -> Result<Reply> {
    let (_, id, _) = platform.operator_or_self(&call, Look::record()).await?;
    let schedule_id = schedule_id(&call)?;
    if platform.store.schedule(id, schedule_id).await?.is_none() {
        return Err(unknown_schedule());
    }
    platform.place_fires(id, schedule_id, platform.now()).await?;
    platform.delete_schedule(id, schedule_id).await?;
    Ok(Reply::ok(&json!({ "status": "deleted" })))
}

fn told(kind: EventType, schedule: &Schedule) -> Event {
    Event::new(kind, json!({ "schedule_id": schedule.id, "schedule_name": schedule.name }))
}

/// The schedule of the path.
pub(crate) fn schedule_id(call: &Call) -> Result<ScheduleId> {
    let text = call.params.get("schedule_id").map(String::as_str).unwrap_or_default();
    text.parse().map_err(|_| Problem::bad_request("invalid_id", "schedule_id must be a UUID"))
}
