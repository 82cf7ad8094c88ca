//! `GET /health`, `GET /admin/liveness` and `GET /metrics`: is the platform itself well? And `GET /openapi.json`: what is
//! its API?

mod description;
mod liveness;
mod metrics;
mod openapi;

pub use openapi::openapi;
use platform::openapi::Done;
use platform::{Call, Platform, Reply, Result, Router};
use serde_json::json;

/// The routes of this function.
pub fn router() -> Router {
    Router::new()
        .route("GET /health", health)
        .route("GET /admin/liveness", liveness::liveness)
        .route("GET /metrics", metrics::metrics)
        .route("GET /openapi.json", description::description)
}

/// `GET /health`, open: 200 `{"status":"ok"}`. It says that the process answers and asks nothing else, so that a slow
/// datastore does not make a load balancer take the platform away as well; what lies behind is in `/admin/liveness`.
#[utoipa::path(
    get,
    path = "/health",
    operation_id = "get_health",
    responses((status = 200, description = "The process answers", body = Done)),
)]
async fn health(_platform: Platform, _call: Call) -> Result<Reply> {
    Ok(Reply::ok(&json!({ "status": "ok" })))
}

#[cfg(test)]
mod tests {
    #[test]
    fn routes() {
        let keys = ["GET /health", "GET /admin/liveness", "GET /metrics", "GET /openapi.json"];
        assert_eq!(super::router().keys(), keys);
    }
}
