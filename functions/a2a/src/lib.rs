//! A2A: messages are accepted into the target's durable queue; the sender waits for the answer, or looks later.

mod accept;
mod answer;
mod caller;
mod message;
mod openapi;
mod stream;
mod tasks;

pub use openapi::openapi;
use platform::Router;

/// The routes of this function.
pub fn router() -> Router {
    Router::new().route("POST /workspaces/{id}/a2a", accept::accept)
}
