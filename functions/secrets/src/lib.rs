//! Secrets: what a workspace's runtime gets as variables, its own and the organisation's. They are stored sealed; their
//! values leave through one route, to the runtime alone.

mod change;
mod global;
mod list;
mod model;
mod openapi;
mod own;
mod spread;
mod values;

pub use openapi::openapi;
use platform::Router;

/// The routes of this function.
pub fn router() -> Router {
    Router::new()
        .route("GET /workspaces/{id}/secrets", list::of_workspace)
        .route("GET /workspaces/{id}/secrets/values", values::values)
        .route("POST /workspaces/{id}/secrets", own::save)
        .route("PUT /workspaces/{id}/secrets", own::save)
        .route("DELETE /workspaces/{id}/secrets/{key}", own::delete)
        .route("GET /workspaces/{id}/model", model::show)
        .route("PUT /workspaces/{id}/model", model::save)
        .route("GET /settings/secrets", list::of_org)
        .route("POST /settings/secrets", global::save)
        .route("PUT /settings/secrets", global::save)
        .route("DELETE /settings/secrets/{key}", global::delete)
        .route("GET /admin/secrets", list::of_org)
        .route("POST /admin/secrets", global::save)
        .route("DELETE /admin/secrets/{key}", global::delete)
}
