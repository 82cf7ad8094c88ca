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
    /// Whom `X-Workspace-ID` names, or an operator.
    Sender,
    /// Sender or target of the message, or an operator.
    Message,
    /// The target of the message alone.
    Target,
}

/// The guard of each route.
const GUARDS: [(&str, Guard); 29] = [
    ("GET /health", Guard::Open),
    ("GET /metrics", Guard::Open),
    ("GET /admin/liveness", Guard::Operator),
    ("GET /events", Guard::Operator),
    ("GET /events/{id}", Guard::Operator),
    ("GET /workspaces", Guard::Operator),
    ("POST /workspaces", Guard::Operator),
    ("GET /workspaces/{id}", Guard::Own),
    ("PATCH /workspaces/{id}", Guard::Own),
    ("DELETE /workspaces/{id}", Guard::Operator),
    ("GET /workspaces/{id}/state", Guard::Own),
    ("GET /workspaces/{id}/tokens", Guard::Own),
    ("POST /workspaces/{id}/tokens", Guard::Own),
    ("DELETE /workspaces/{id}/tokens/{token_id}", Guard::Own),
    ("POST /workspaces/{id}/a2a", Guard::Sender),
    ("GET /workspaces/{id}/a2a/queue/{queue_id}", Guard::Message),
    ("POST /workspaces/{id}/a2a/queue/{queue_id}/result", Guard::Target),
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
    use Guard::{Card, Development, Heartbeat, Message, Open, Operator, Register, Sender, Target};
    let registry = matches!(guard, Register | Heartbeat | Card);
    match (shown, guard) {
        (_, Open) => None,
        (Shown::Nothing, _) => Some((401, "missing_token")),
        // They read no other scheme than Bearer, so this is none.
        (Shown::Malformed, Register | Heartbeat | Card) => Some((401, "missing_token")),
        (Shown::Malformed | Shown::Worthless | Shown::Deleted, _) => Some((401, "invalid_token")),
        (Shown::Operator, Target) => Some((403, "not_your_workspace")),
        (Shown::Operator, _) => registry.then_some((401, "invalid_token")),
        (_, Operator | Development) => Some((403, "operators_only")),
        (Shown::Api, Register | Heartbeat) => Some((403, "not_an_instance_token")),
        (Shown::Own | Shown::Api, _) => None,
        (Shown::Cousin | Shown::Sibling, Sender) => Some((401, "invalid_caller")),
        (Shown::Cousin, Message) => Some((404, "message_unknown")),
        (Shown::Sibling, Message) => None,
        (Shown::Cousin | Shown::Sibling, _) if registry => Some((401, "invalid_token")),
        (Shown::Cousin | Shown::Sibling, _) => Some((403, "not_your_workspace")),
    }
}
