//! The OpenAPI description of this function.
#![expect(dead_code, reason = "these types describe answers; nothing makes a value of them")]

use platform::openapi::Time;
use std::collections::BTreeMap;
use utoipa::{OpenApi, ToSchema};

/// When each sweep last ran.
#[derive(ToSchema)]
pub(crate) struct Liveness {
    /// By name; one that never ran is not here.
    subsystems: BTreeMap<String, Subsystem>,
    /// So many leases ran out at once that the platform suspects itself.
    control_plane_suspect: bool,
}

/// One sweep.
#[derive(ToSchema)]
pub(crate) struct Subsystem {
    last_tick_at: Time,
    seconds_ago: u64,
    stale: bool,
}

#[derive(OpenApi)]
#[openapi(paths(super::health, crate::liveness::liveness, crate::metrics::metrics, crate::description::description,))]
struct Described;

/// What its routes take and answer.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Described::openapi()
}
