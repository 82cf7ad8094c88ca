//! Poll mode: an agent that cannot be called fetches its messages. They come from the same queues, in the same lanes, under
//! the same capacity as those that are pushed; the agent holds each under a lease that it extends while it works.

mod fetch;
mod item;
mod openapi;
mod settle;

pub use openapi::openapi;
use platform::Router;

/// The routes of this function.
pub fn router() -> Router {
    Router::new()
        .route("GET /workspaces/{id}/inbox", fetch::fetch)
        .route_up_to(settle::MAX_RESPONSE, "POST /workspaces/{id}/inbox/{queue_id}/ack", settle::ack)
        .route("POST /workspaces/{id}/inbox/{queue_id}/nack", settle::nack)
        .route("POST /workspaces/{id}/inbox/{queue_id}/extend", settle::extend)
}
