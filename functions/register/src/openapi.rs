//! The OpenAPI description of this function.
#![expect(dead_code, reason = "these types describe answers; nothing makes a value of them")]

use rules::delivery::DeliveryMode;
use utoipa::{OpenApi, ToSchema};

/// A runtime that is registered.
#[derive(ToSchema)]
pub(crate) struct Registered {
    /// `registered`.
    status: String,
    delivery_mode: DeliveryMode,
    /// The bearer of the platform's calls to the agent.
    platform_inbound_secret: String,
    heartbeat_interval_seconds: f64,
    /// Where to beat, if not at `/registry/heartbeat`.
    #[schema(nullable = false)]
    heartbeat_url: Option<String>,
    /// A token that was issued just now, and is shown this once.
    #[schema(nullable = false)]
    auth_token: Option<String>,
}

#[derive(OpenApi)]
#[openapi(paths(crate::register::register, crate::update_card::update_card))]
struct Described;

/// What its routes take and answer.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Described::openapi()
}
