//! `/workspaces`: create, list, read, change, delete, their teams, and the state that a remote agent polls.

mod collapse;
mod connection;
mod create;
mod delete;
mod expand;
mod list;
mod new_workspace;
mod openapi;
mod patch;
mod state;
mod team;
mod tree;

pub use openapi::openapi;
use platform::Router;

/// The routes of this function.
pub fn router() -> Router {
    Router::new()
        .route("POST /workspaces", create::create)
        .route("GET /workspaces", list::list)
        .route("GET /workspaces/{id}", list::get)
        .route("PATCH /workspaces/{id}", patch::patch)
        .route("DELETE /workspaces/{id}", delete::delete)
        .route("GET /workspaces/{id}/state", state::state)
        .route("POST /workspaces/{id}/expand", expand::expand)
        .route("POST /workspaces/{id}/collapse", collapse::collapse)
}
