//! The OpenAPI description of this function.
#![expect(dead_code, reason = "these types describe answers; nothing makes a value of them")]

use platform::openapi::Time;
use rules::ladder::Rung;
use rules::schedule::explain::Finding;
use rules::schedule::{Catchup, Coverage, Memories, Outcome, Overlap, Source, Standing, Trigger};
use rules::{MessageId, ScheduleId, WorkspaceId};
use utoipa::{OpenApi, ToSchema};

use crate::settings::Settings;

/// A schedule as it is created: `cron_expr` and `prompt` must be there.
#[derive(ToSchema)]
pub(crate) struct NewSchedule {
    #[serde(flatten)]
    settings: Settings,
    #[serde(flatten)]
    needed: Needed,
}

/// What a new schedule cannot be without.
#[derive(ToSchema)]
#[schema(as = NeededOfSchedule)]
pub(crate) struct Needed {
    /// Five fields, or six with seconds.
    cron_expr: String,
    prompt: String,
}

/// A new schedule.
#[derive(ToSchema)]
#[schema(as = CreatedSchedule)]
pub(crate) struct Created {
    id: ScheduleId,
    status: String,
    next_run_at: Option<Time>,
}

/// A changed schedule.
#[derive(ToSchema)]
#[schema(as = UpdatedSchedule)]
pub(crate) struct Updated {
    status: String,
    next_run_at: Option<Time>,
}

/// What of a schedule's health all may see.
#[derive(ToSchema)]
#[schema(as = ScheduleVitals)]
pub(crate) struct Vitals {
    enabled: bool,
    last_run_at: Option<Time>,
    next_run_at: Option<Time>,
    run_count: u64,
    /// `ok`, `error`, an outcome, or empty.
    last_status: String,
    last_error: String,
    consecutive_not_fired: u32,
    consecutive_bounced: u32,
    pending_queue_id: Option<MessageId>,
    pending_since: Option<Time>,
    running_queue_id: Option<MessageId>,
    starving: Option<Starving>,
    coverage_24h: Coverage,
    coverage_7d: Coverage,
    busy_since: Option<Time>,
    session_age_seconds: Option<u64>,
    turn_rung: Option<Rung>,
}

/// A schedule whose fires do not get their turn.
#[derive(ToSchema)]
pub(crate) struct Starving {
    since: Time,
    count: u32,
    blocked_by: String,
}

/// A schedule's health.
#[derive(ToSchema)]
#[schema(as = ScheduleHealth)]
pub(crate) struct Health {
    id: ScheduleId,
    name: String,
    #[serde(flatten)]
    vitals: Vitals,
}

/// A schedule's health among all.
#[derive(ToSchema)]
#[schema(as = ScheduleRow)]
pub(crate) struct Row {
    workspace_id: WorkspaceId,
    workspace_name: String,
    schedule_id: ScheduleId,
    schedule_name: String,
    cron_expr: String,
    timezone: String,
    expected_next_run: Option<Time>,
    status: Standing,
    stale_threshold_seconds: u64,
    #[serde(flatten)]
    vitals: Vitals,
}

/// A schedule.
#[derive(ToSchema)]
#[schema(as = Schedule)]
pub(crate) struct InFull {
    #[serde(flatten)]
    health: Health,
    workspace_id: WorkspaceId,
    cron_expr: String,
    timezone: String,
    prompt: String,
    overlap: Overlap,
    catchup: Catchup,
    jitter_seconds: u32,
    deadline_seconds: Option<u32>,
    source: Source,
    revision: u64,
    prompt_revision: u64,
    created_at: Time,
    updated_at: Time,
}

/// A fire that was asked for.
#[derive(ToSchema)]
#[schema(as = ScheduleRun)]
pub(crate) struct Ran {
    /// `fired` or `skipped`.
    status: String,
    workspace_id: WorkspaceId,
    prompt: String,
    schedule_id: ScheduleId,
    queue_id: Option<MessageId>,
    outcome: Outcome,
    reason: Option<String>,
}

/// A row of the ledger: a fire, or a stretch of them that ended for one reason.
#[derive(ToSchema)]
pub(crate) struct Fire {
    timestamp: Time,
    duration_ms: Option<u64>,
    /// `ok`, `error`, or the outcome.
    status: String,
    error_detail: Option<String>,
    request: FireRequest,
    outcome: Outcome,
    reason: Option<String>,
    nominal: Time,
    trigger: Trigger,
    lateness_ms: u64,
    wait_ms: Option<u64>,
    started_at: Option<Time>,
    finished_at: Option<Time>,
    queue_id: Option<MessageId>,
    preview: Option<String>,
    prompt_revision: Option<u64>,
    memories: Option<Memories>,
    /// The first nominal time of a stretch.
    #[schema(nullable = false)]
    from: Option<Time>,
    /// The last one.
    #[schema(nullable = false)]
    to: Option<Time>,
    count: u32,
}

/// What fired.
#[derive(ToSchema)]
pub(crate) struct FireRequest {
    schedule_id: ScheduleId,
    schedule_name: String,
    cron_expr: String,
}

/// Why the next or last fire did or did not happen.
#[derive(ToSchema)]
#[schema(as = ScheduleExplanation)]
pub(crate) struct Explanation {
    summary: String,
    next_run_at: Option<Time>,
    findings: Vec<Finding>,
    last: Option<Fire>,
}

#[derive(OpenApi)]
#[openapi(paths(
    crate::list::list,
    crate::list::get,
    crate::create::create,
    crate::update::update,
    crate::update::delete,
    crate::run::run,
    crate::history::history,
    crate::explain::explain,
    crate::health::of_workspace,
    crate::health::of_all,
))]
struct Described;

/// What its routes take and answer.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Described::openapi()
}
