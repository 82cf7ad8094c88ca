//! The OpenAPI description of this function.
#![expect(dead_code, reason = "these types describe answers; nothing makes a value of them")]

use platform::openapi::{AgentCard, also};
use rules::delivery::DeliveryMode;
use rules::{Status, WorkspaceId};
use utoipa::{OpenApi, ToSchema};

/// Where a peer is reached.
#[derive(ToSchema)]
pub(crate) struct Peer {
    id: WorkspaceId,
    /// The hub's.
    url: String,
    name: String,
    status: Status,
    delivery_mode: DeliveryMode,
    /// The agent's own; shown to operators.
    direct_url: Option<String>,
}

/// A workspace that another one may talk to.
#[derive(ToSchema)]
pub(crate) struct Relative {
    id: WorkspaceId,
    name: String,
    role: Option<String>,
    #[schema(minimum = 1, maximum = 4)]
    tier: u8,
    status: Status,
    /// The hub's.
    url: String,
    parent_id: Option<WorkspaceId>,
    active_tasks: u32,
    agent_card: Option<AgentCard>,
}

/// Whether two workspaces may talk.
#[derive(ToSchema)]
pub(crate) struct Access {
    allowed: bool,
}

#[derive(OpenApi)]
#[openapi(paths(crate::discover::discover, crate::peers::peers, crate::check_access::check_access, crate::card::card,))]
struct Described;

/// What its routes take and answer.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut described = Described::openapi();
    // Its name before A2A 0.3.
    let card = "GET /workspaces/{id}/.well-known/agent-card.json";
    also(&mut described, card, "GET /workspaces/{id}/.well-known/agent.json", "get_agent_card_by_old_name");
    described
}
