//! Restart, pause, resume, hibernate: the record changes at once, and the provision function makes the engine follow.

mod bootstrap_failed;
mod hibernate;
mod openapi;
mod pause;
mod restart;
mod resume;
mod subtree;

pub use openapi::openapi;
use platform::Router;

/// The routes of this function.
pub fn router() -> Router {
    Router::new()
        .route("POST /workspaces/{id}/restart", restart::restart)
        .route("POST /workspaces/{id}/pause", pause::pause)
        .route("POST /workspaces/{id}/resume", resume::resume)
        .route("POST /workspaces/{id}/hibernate", hibernate::hibernate)
        .route("POST /admin/workspaces/{id}/bootstrap-failed", bootstrap_failed::bootstrap_failed)
}
