//! What a route asks of its caller, and what each credential that does not serve there hears.

/// What a route asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guard {
    /// Nothing.
    Open,
    /// An operator.
    Operator,
    /// An operator, but in development only.
    Development,
    /// The workspace itself, or an operator.
    Own,
    /// The workspace's runtime, or a boot credential.
    Register,
    /// The workspace's runtime.
    Heartbeat,
    /// Any token of the workspace, and no operator.
    Card,
    /// The workspace itself, its relatives, or an operator.
    Relative,
    /// Whom `X-Workspace-ID` names, or an operator.
    Sender,
    /// Sender or target of the message, or an operator.
    Message,
    /// Sender of the message, or an operator.
    Sent,
    /// Anybody with a token: all see their own.
    Listing,
    /// The target of the message alone.
    Target,
    /// The workspace's runtime, by its instance token.
    Inbox,
}

/// The guard of each route.
const GUARDS: [(&str, Guard); 84] = [
    ("GET /health", Guard::Open),
    ("GET /metrics", Guard::Open),
    ("GET /openapi.json", Guard::Open),
    ("GET /admin/liveness", Guard::Operator),
    ("GET /events", Guard::Operator),
    ("GET /events/{id}", Guard::Operator),
    ("GET /workspaces", Guard::Operator),
    ("POST /workspaces", Guard::Operator),
    ("GET /workspaces/{id}", Guard::Own),
    ("PATCH /workspaces/{id}", Guard::Own),
    ("DELETE /workspaces/{id}", Guard::Operator),
    ("GET /workspaces/{id}/state", Guard::Own),
    ("POST /workspaces/{id}/restart", Guard::Own),
    ("POST /workspaces/{id}/pause", Guard::Own),
    ("POST /workspaces/{id}/resume", Guard::Own),
    ("POST /workspaces/{id}/hibernate", Guard::Own),
    ("POST /workspaces/{id}/expand", Guard::Own),
    ("POST /workspaces/{id}/collapse", Guard::Own),
    ("GET /workspaces/{id}/logs", Guard::Own),
    ("GET /workspaces/{id}/console", Guard::Operator),
    ("GET /workspaces/{id}/explain", Guard::Own),
    ("POST /admin/workspaces/{id}/bootstrap-failed", Guard::Operator),
    ("GET /workspaces/{id}/tokens", Guard::Own),
    ("POST /workspaces/{id}/tokens", Guard::Own),
    ("DELETE /workspaces/{id}/tokens/{token_id}", Guard::Own),
    ("POST /workspaces/{id}/a2a", Guard::Sender),
    ("GET /workspaces/{id}/a2a/queue", Guard::Listing),
    ("GET /workspaces/{id}/a2a/queue/{queue_id}", Guard::Message),
    ("DELETE /workspaces/{id}/a2a/queue/{queue_id}", Guard::Sent),
    ("POST /workspaces/{id}/a2a/queue/{queue_id}/replay", Guard::Sent),
    ("GET /workspaces/{id}/inbox", Guard::Inbox),
    ("POST /workspaces/{id}/inbox/{queue_id}/ack", Guard::Inbox),
    ("POST /workspaces/{id}/inbox/{queue_id}/nack", Guard::Inbox),
    ("POST /workspaces/{id}/inbox/{queue_id}/extend", Guard::Inbox),
    ("GET /workspaces/{id}/delegations", Guard::Own),
    ("POST /workspaces/{id}/delegate", Guard::Own),
    ("POST /workspaces/{id}/delegations/record", Guard::Own),
    ("POST /workspaces/{id}/delegations/{delegation_id}/update", Guard::Own),
    ("GET /workspaces/{id}/activity", Guard::Own),
    ("POST /workspaces/{id}/activity", Guard::Own),
    ("GET /workspaces/{id}/memories", Guard::Own),
    ("POST /workspaces/{id}/memories", Guard::Own),
    ("DELETE /workspaces/{id}/memories/{memory_id}", Guard::Own),
    ("GET /workspaces/{id}/secrets", Guard::Own),
    ("GET /workspaces/{id}/secrets/values", Guard::Inbox),
    ("POST /workspaces/{id}/secrets", Guard::Own),
    ("PUT /workspaces/{id}/secrets", Guard::Own),
    ("DELETE /workspaces/{id}/secrets/{key}", Guard::Own),
    ("GET /workspaces/{id}/model", Guard::Own),
    ("PUT /workspaces/{id}/model", Guard::Own),
    ("GET /settings/secrets", Guard::Operator),
    ("POST /settings/secrets", Guard::Operator),
    ("PUT /settings/secrets", Guard::Operator),
    ("DELETE /settings/secrets/{key}", Guard::Operator),
    ("GET /admin/secrets", Guard::Operator),
    ("POST /admin/secrets", Guard::Operator),
    ("DELETE /admin/secrets/{key}", Guard::Operator),
    ("GET /workspaces/{id}/schedules", Guard::Own),
    ("POST /workspaces/{id}/schedules", Guard::Own),
    ("GET /workspaces/{id}/schedules/health", Guard::Own),
    ("GET /workspaces/{id}/schedules/{schedule_id}", Guard::Own),
    ("PATCH /workspaces/{id}/schedules/{schedule_id}", Guard::Own),
    ("DELETE /workspaces/{id}/schedules/{schedule_id}", Guard::Own),
    ("POST /workspaces/{id}/schedules/{schedule_id}/run", Guard::Own),
    ("GET /workspaces/{id}/schedules/{schedule_id}/history", Guard::Own),
    ("GET /workspaces/{id}/schedules/{schedule_id}/explain", Guard::Own),
    ("GET /admin/schedules/health", Guard::Operator),
    ("GET /admin/a2a-queue/dead", Guard::Operator),
    ("POST /admin/a2a-queue/drop-stale", Guard::Operator),
    ("POST /workspaces/{id}/a2a/queue/{queue_id}/result", Guard::Target),
    ("GET /workspaces/{id}/.well-known/agent-card.json", Guard::Relative),
    ("GET /workspaces/{id}/.well-known/agent.json", Guard::Relative),
    ("GET /org/tokens", Guard::Operator),
    ("POST /org/tokens", Guard::Operator),
    ("DELETE /org/tokens/{token_id}", Guard::Operator),
    ("GET /registry/{id}/peers", Guard::Own),
    ("GET /registry/discover/{id}", Guard::Own),
    ("POST /registry/check-access", Guard::Own),
    ("POST /registry/register", Guard::Register),
    ("POST /registry/update-card", Guard::Card),
    ("POST /registry/heartbeat", Guard::Heartbeat),
    ("GET /admin/workspaces/{id}/test-token", Guard::Development),
    ("POST /admin/workspaces/{id}/test-token", Guard::Development),
    ("POST /admin/workspaces/{id}/reset-credentials", Guard::Operator),
];

/// The guard of a route; one that the table does not have is a hole in these tests.
pub(super) fn of(key: &str) -> Guard {
    let found = GUARDS.iter().find(|(known, _)| *known == key);
    found.unwrap_or_else(|| panic!("{key} is not in the table of guards; add it there and to tests::api")).1
}

/// The routes that the table has.
pub(super) fn keys() -> Vec<&'static str> {
    let mut keys: Vec<_> = GUARDS.iter().map(|(key, _)| *key).collect();
    keys.sort_unstable();
    keys
}

/// What somebody shows who should not get in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// No `Authorization`.
    Nothing,
    /// One that is not `Bearer <token>`.
    Malformed,
    /// A bearer that nobody knows, or no longer, or not as a token of the API.
    Worthless,
    /// The token of a workspace that was deleted.
    Deleted,
    /// The token of a workspace that has nothing to do with the one in question.
    Cousin,
    /// The workspace's own token.
    Own,
    /// An API token of the workspace.
    Api,
    /// A sibling's token, whose message is in the workspace's queue.
    Sibling,
    /// The operator's.
    Operator,
}

/// The status and code of the refusal; `None` where the credential serves.
pub(super) fn refusal(guard: Guard, shown: Shown) -> Option<(u16, &'static str)> {
    use Guard::{
        Card, Development, Heartbeat, Inbox, Listing, Message, Open, Operator, Register, Relative, Sender, Sent, Target,
    };
    let registry = matches!(guard, Register | Heartbeat | Card);
    match (shown, guard) {
        (_, Open) => None,
        (Shown::Nothing, _) => Some((401, "missing_token")),
        // They read no other scheme than Bearer, so this is none.
        (Shown::Malformed, Register | Heartbeat | Card) => Some((401, "missing_token")),
        (Shown::Malformed | Shown::Worthless | Shown::Deleted, _) => Some((401, "invalid_token")),
        (Shown::Operator, Target | Inbox) => Some((403, "not_your_workspace")),
        (Shown::Operator, _) => registry.then_some((401, "invalid_token")),
        (_, Operator | Development) => Some((403, "operators_only")),
        (_, Listing) => None,
        (Shown::Own | Shown::Api, Sent) => Some((403, "not_your_message")),
        (Shown::Api, Register | Heartbeat | Inbox) => Some((403, "not_an_instance_token")),
        (Shown::Own | Shown::Api, _) => None,
        (Shown::Cousin | Shown::Sibling, Sender) => Some((401, "invalid_caller")),
        (Shown::Cousin, Message | Sent) => Some((404, "message_unknown")),
        (Shown::Cousin, Relative) => Some((403, "access_denied")),
        (Shown::Sibling, Message | Sent | Relative) => None,
        (Shown::Cousin | Shown::Sibling, _) if registry => Some((401, "invalid_token")),
        (Shown::Cousin | Shown::Sibling, _) => Some((403, "not_your_workspace")),
    }
}
