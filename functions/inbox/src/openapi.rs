//! The OpenAPI description of this function.
#![expect(dead_code, reason = "these types describe answers; nothing makes a value of them")]

use platform::openapi::Time;
use rules::message::State;
use utoipa::{OpenApi, ToSchema};

/// What became of a message.
#[derive(ToSchema)]
pub(crate) struct Settled {
    status: State,
}

/// A longer lease.
#[derive(ToSchema)]
pub(crate) struct Extended {
    lease_expires_at: Time,
    lease_seconds: f64,
}

/// How a turn ended.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum AckStatus {
    Completed,
    Failed,
}

#[derive(OpenApi)]
#[openapi(paths(crate::fetch::fetch, crate::settle::ack, crate::settle::nack, crate::settle::extend))]
struct Described;

/// What its routes take and answer.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Described::openapi()
}
