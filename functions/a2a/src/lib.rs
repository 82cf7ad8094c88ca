//! A2A: messages are accepted into the target's durable queue; the sender waits for the answer, or looks later.

mod accept;
mod answer;
mod caller;
mod message;
mod queue;
mod result;

use platform::Router;

/// The routes of this function.
pub fn router() -> Router {
    Router::new()
        .route("POST /workspaces/{id}/a2a", accept::accept)
        .route("GET /workspaces/{id}/a2a/queue/{queue_id}", queue::get)
        .route_up_to(result::MAX_RESULT, "POST /workspaces/{id}/a2a/queue/{queue_id}/result", result::result)
}
