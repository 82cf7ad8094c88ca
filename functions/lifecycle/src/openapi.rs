//! The OpenAPI description of this function.
#![expect(dead_code, reason = "these types describe answers; nothing makes a value of them")]

use rules::Status;
use utoipa::{OpenApi, ToSchema};

/// A workspace that starts anew.
#[derive(ToSchema)]
pub(crate) struct Restarted {
    status: Status,
    config_dir: String,
    reset_session: bool,
    generation: u64,
    /// Another restart was under way already.
    coalesced: bool,
}

/// A workspace that is paused.
#[derive(ToSchema)]
pub(crate) struct Paused {
    status: Status,
    /// It and those below it.
    paused_count: usize,
}

/// A workspace that was paused.
#[derive(ToSchema)]
pub(crate) struct Resumed {
    status: Status,
    /// It and those below it.
    resumed_count: usize,
}

/// A workspace that rests.
#[derive(ToSchema)]
pub(crate) struct Hibernated {
    status: Status,
}

/// A failed boot that was told.
#[derive(ToSchema)]
pub(crate) struct Noted {
    ok: bool,
    /// The workspace is not provisioning.
    #[schema(nullable = false)]
    no_change: Option<bool>,
}

#[derive(OpenApi)]
#[openapi(paths(
    crate::restart::restart,
    crate::pause::pause,
    crate::resume::resume,
    crate::hibernate::hibernate,
    crate::bootstrap_failed::bootstrap_failed,
))]
struct Described;

/// What its routes take and answer.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Described::openapi()
}
