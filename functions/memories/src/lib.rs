//! Memories: what agents write down for themselves, for their team, or for all.

mod commit;
mod delete;
mod openapi;
mod search;

pub use openapi::openapi;
use platform::Router;

/// The routes of this function.
pub fn router() -> Router {
    Router::new()
        .route("GET /workspaces/{id}/memories", search::search)
        .route("POST /workspaces/{id}/memories", commit::commit)
        .route("DELETE /workspaces/{id}/memories/{memory_id}", delete::delete)
}
