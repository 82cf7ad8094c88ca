//! The OpenAPI description of this function.
#![expect(dead_code, reason = "these types describe answers; nothing makes a value of them")]

use platform::openapi::{AgentCard, Time};
use rules::delivery::DeliveryMode;
use rules::field::WorkspaceAccess;
use rules::health::Health;
use rules::ladder::Rung;
use rules::reason::ReasonCode;
use rules::{MessageId, Status, WorkspaceId};
use utoipa::{OpenApi, ToSchema};

/// A new workspace.
#[derive(ToSchema)]
#[schema(as = CreatedWorkspace)]
pub(crate) struct Created {
    id: WorkspaceId,
    status: Status,
    /// Its agent runs elsewhere.
    #[schema(nullable = false)]
    external: Option<bool>,
    /// Of an external one.
    #[schema(nullable = false)]
    delivery_mode: Option<DeliveryMode>,
    /// Of an external one, shown this once.
    #[schema(nullable = false)]
    connection: Option<Connection>,
    /// Of a managed one.
    #[schema(nullable = false)]
    awareness_namespace: Option<String>,
    /// Of a managed one.
    #[schema(nullable = false)]
    workspace_access: Option<WorkspaceAccess>,
}

/// What an operator needs to connect an external agent.
#[derive(ToSchema)]
pub(crate) struct Connection {
    workspace_id: WorkspaceId,
    platform_url: String,
    auth_token: String,
    registry_endpoint: String,
    heartbeat_endpoint: String,
    curl_register_template: String,
    runtime_command: String,
}

/// A workspace, with its true status.
#[derive(ToSchema)]
pub(crate) struct Workspace {
    id: WorkspaceId,
    name: String,
    role: Option<String>,
    #[schema(minimum = 1, maximum = 4)]
    tier: u8,
    status: Status,
    status_since: Time,
    status_reasons: Vec<Reason>,
    /// The first of the reasons.
    status_reason: Option<ReasonCode>,
    health: Health,
    url: String,
    parent_id: Option<WorkspaceId>,
    runtime: String,
    delivery_mode: DeliveryMode,
    active_tasks: u32,
    max_concurrent_tasks: u32,
    last_error_rate: f64,
    last_sample_error: String,
    uptime_seconds: u64,
    current_task: String,
    session_age_seconds: Option<u64>,
    session_queue_id: Option<MessageId>,
    turn_rung: Option<Rung>,
    turn_rung_at: Option<Time>,
    busy_since: Option<Time>,
    last_heartbeat_at: Option<Time>,
    last_register_failure_at: Option<Time>,
    workspace_dir: Option<String>,
    workspace_access: WorkspaceAccess,
    /// In cents.
    monthly_spend: i64,
    /// In cents.
    budget_limit: Option<i64>,
    agent_card: Option<AgentCard>,
    generation: u64,
    x: f64,
    y: f64,
    collapsed: bool,
    created_at: Time,
    updated_at: Time,
    /// The most fires in a row that one of its schedules waits for or lost; not in lists.
    #[schema(nullable = false)]
    consecutive_bounced: Option<u32>,
}

/// Why a workspace is degraded, offline or failed.
#[derive(ToSchema)]
#[schema(as = StatusReason)]
pub(crate) struct Reason {
    code: ReasonCode,
    since: Time,
    evidence: String,
    /// What to do.
    hint: String,
}

/// A changed workspace.
#[derive(ToSchema)]
#[schema(as = UpdatedWorkspace)]
pub(crate) struct Updated {
    status: String,
    /// It takes effect at the next start.
    #[schema(nullable = false)]
    needs_restart: Option<bool>,
}

/// A deleted workspace.
#[derive(ToSchema)]
#[schema(as = DeletedWorkspace)]
pub(crate) struct Deleted {
    /// `removed` or `purged`.
    status: String,
    /// How many below it.
    cascade_deleted: usize,
}

/// What a remote agent needs to know.
#[derive(ToSchema)]
#[schema(as = WorkspaceState)]
pub(crate) struct State {
    workspace_id: WorkspaceId,
    status: Status,
    paused: bool,
    deleted: bool,
}

/// A workspace with its team.
#[derive(ToSchema)]
#[schema(as = ExpandedWorkspace)]
pub(crate) struct Expanded {
    status: String,
    children: Vec<Child>,
}

/// One of a team.
#[derive(ToSchema)]
pub(crate) struct Child {
    id: WorkspaceId,
    name: String,
    role: Option<String>,
}

/// A workspace without its team.
#[derive(ToSchema)]
#[schema(as = CollapsedWorkspace)]
pub(crate) struct Collapsed {
    status: String,
    /// By name.
    removed: Vec<String>,
}

#[derive(OpenApi)]
#[openapi(paths(
    crate::create::create,
    crate::list::list,
    crate::list::get,
    crate::patch::patch,
    crate::delete::delete,
    crate::state::state,
    crate::expand::expand,
    crate::collapse::collapse,
))]
struct Described;

/// What its routes take and answer.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Described::openapi()
}
