//! What is wrong with a workspace: its log, and the guide's checklists in one answer.

mod explain;
mod logs;
mod openapi;

pub use openapi::openapi;
use platform::Router;

/// The routes of this function.
pub fn router() -> Router {
    Router::new()
        .route("GET /workspaces/{id}/logs", logs::logs)
        .route("GET /workspaces/{id}/console", logs::console)
        .route("GET /workspaces/{id}/explain", explain::explain)
}
