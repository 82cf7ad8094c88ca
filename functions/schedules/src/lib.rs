//! Schedules: when a workspace is woken, with what prompt, what became of each time, and why.

mod around;
mod create;
mod explain;
mod health;
mod history;
mod list;
mod openapi;
mod run;
mod settings;
mod show;
mod update;

pub use openapi::openapi;
use platform::Router;

/// The routes of this function.
pub fn router() -> Router {
    Router::new()
        .route("GET /workspaces/{id}/schedules", list::list)
        .route("POST /workspaces/{id}/schedules", create::create)
        .route("GET /workspaces/{id}/schedules/health", health::of_workspace)
        .route("GET /workspaces/{id}/schedules/{schedule_id}", list::get)
        .route("PATCH /workspaces/{id}/schedules/{schedule_id}", update::update)
        .route("DELETE /workspaces/{id}/schedules/{schedule_id}", update::delete)
        .route("POST /workspaces/{id}/schedules/{schedule_id}/run", run::run)
        .route("GET /workspaces/{id}/schedules/{schedule_id}/history", history::history)
        .route("GET /workspaces/{id}/schedules/{schedule_id}/explain", explain::explain)
        .route("GET /admin/schedules/health", health::of_all)
}
