//! `POST /workspaces/{id}/schedules`.

use http::StatusCode;
use platform::decide::{Fault, decide};
use platform::openapi::Refusals;
use platform::store::{CommitError, Look};
use platform::{Call, Platform, Problem, Reply, Result};
use rules::event::{Event, EventType};
use rules::schedule::{MAX_SCHEDULES, Policy, Schedule};
use rules::workspace::Workspace;
use rules::{ScheduleId, Status};
use serde_json::json;

use crate::openapi;
use crate::settings::Settings;

/// Takes `{"cron_expr","prompt"}` and any of `name, timezone, enabled, overlap, catchup, jitter_seconds, deadline_seconds`;
/// 201 `{"id","status":"created","next_run_at"}`. The workspace itself or an operator.
///
/// # Errors
/// 400 with the field and the reason; 401; 403; 404 for operators; 409 `name_taken` or `too_many_schedules`; 410; 413.
#[utoipa::path(
    post,
    path = "/workspaces/{id}/schedules",
    operation_id = "create_schedule",
    request_body = openapi::NewSchedule,
    responses(
        (status = 201, description = "Created", body = openapi::Created),
        Refusals<400, 401, 403, 404, 409, 410, 503>,
    ),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn create(platform: Platform, call: Call) -> Result<Reply> {
    let (_, id, seen) = platform.operator_or_self(&call, Look::record()).await?;
    let settings: Settings = call.json()?;
    let workspace = living(seen.workspace)?;
    if settings.cron_expr.is_none() || settings.prompt.is_none() {
        return Err(Problem::bad_request("invalid_body", "cron_expr and prompt are required"));
    }
    let cron = settings.cron("", "UTC")?;
    let prompt = settings.prompt()?.unwrap_or_default();
    if platform.store.schedules(id).await?.len() >= MAX_SCHEDULES {
        let text = format!("the workspace has {MAX_SCHEDULES} schedules already; delete one first");
        return Err(Problem::conflict("too_many_schedules", text));
    }
    let now = platform.now();
    let id_of_new = ScheduleId::new(platform.entropy.uuid());
    let mut schedule = Schedule::new(id_of_new, id, settings.name("")?, &cron, now);
    schedule.policy = settings.policy(Policy::default())?;
    if settings.enabled == Some(false) {
        (schedule.enabled, schedule.next_fire) = (false, None);
    }
    let event = Event::new(
        EventType::ScheduleCreated,
        json!({ "schedule_id": schedule.id, "schedule_name": schedule.name, "cron_expr": schedule.cron_expr }),
    );
    decide(|| store(&platform, &workspace, &schedule, &prompt, &event)).await?;
    platform.remind_of_next(&schedule).await;
    let answer = json!({
        "id": schedule.id,
        "status": "created",
        "next_run_at": schedule.due().map(rules::Timestamp::rfc3339),
    });
    Ok(Reply::json(StatusCode::CREATED, &answer))
}

async fn store(
    platform: &Platform,
    seen: &Workspace,
    schedule: &Schedule,
    prompt: &str,
    event: &Event,
) -> Result<(), Fault> {
    // The version may have moved for reasons that do not matter here; that it is there does.
    let workspace = living(platform.store.workspace(seen.id).await?)?;
    let transaction = platform
        .store
        .transaction()
        .claim_schedule_name(schedule)
        .create_schedule(schedule)
        .put_prompt(schedule, prompt)
        .check_workspace(&workspace);
    match platform.tell(transaction, &workspace, Some(event.clone())).commit().await {
        Err(CommitError::Moved(failed)) if failed.iter().any(|failed| failed.index == 0) => Err(name_taken().into()),
        settled => Ok(settled?),
    }
}

/// 409.
pub(crate) fn name_taken() -> Problem {
    Problem::conflict("name_taken", "another schedule of this workspace has this name; choose another one")
}

/// The workspace, if it is there and not removed.
pub(crate) fn living(workspace: Option<Workspace>) -> Result<Workspace> {
    let workspace = workspace.ok_or_else(Problem::no_workspace)?;
    if workspace.status == Status::Removed { Err(Problem::gone()) } else { Ok(workspace) }
}
