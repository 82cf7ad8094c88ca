//! Delegation: a workspace gives another a task, goes on, and finds the outcome here. The task is a message in the target's
//! queue; the delegation's record ends in the transaction that ends that message.

mod delegate;
mod list;
mod openapi;
mod record;

pub use openapi::openapi;
use platform::Router;

/// The routes of this function.
pub fn router() -> Router {
    Router::new()
        .route("POST /workspaces/{id}/delegate", delegate::delegate)
        .route("GET /workspaces/{id}/delegations", list::list)
        .route("POST /workspaces/{id}/delegations/record", record::record)
        .route("POST /workspaces/{id}/delegations/{delegation_id}/update", record::update)
}
