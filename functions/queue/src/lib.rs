//! Looking after the messages of a queue: list, look, cancel, answer late, replay, and what operators do with dead ones.
//! Not in the function that senders wait in, so that waiting senders never hold up an answer.

mod cancel;
mod dead;
mod drop_stale;
mod get;
mod list;
mod openapi;
mod replay;
mod result;
mod show;

pub use openapi::openapi;
use platform::Router;

/// The routes of this function.
pub fn router() -> Router {
    Router::new()
        .route("GET /workspaces/{id}/a2a/queue", list::list)
        .route("GET /workspaces/{id}/a2a/queue/{queue_id}", get::get)
        .route("DELETE /workspaces/{id}/a2a/queue/{queue_id}", cancel::cancel)
        .route("POST /workspaces/{id}/a2a/queue/{queue_id}/replay", replay::replay)
        .route_up_to(result::MAX_RESULT, "POST /workspaces/{id}/a2a/queue/{queue_id}/result", result::result)
        .route("GET /admin/a2a-queue/dead", dead::dead)
        .route("POST /admin/a2a-queue/drop-stale", drop_stale::drop_stale)
}
