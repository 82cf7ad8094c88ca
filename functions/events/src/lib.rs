//! What happened, newest first: `GET /events` and `GET /events/{id}`, for operators, and the activity that agents report.

mod activity;
mod list;
mod openapi;

pub use openapi::openapi;
use platform::Router;

/// The routes of this function.
pub fn router() -> Router {
    Router::new()
        .route("GET /events", list::of_all)
        .route("GET /events/{id}", list::of_one)
        .route("GET /workspaces/{id}/activity", activity::list)
        .route("POST /workspaces/{id}/activity", activity::report)
}

#[cfg(test)]
mod tests {
    #[test]
    fn routes() {
        let router = super::router();
        let keys = router.keys();
        assert_eq!(keys[..2], ["GET /events", "GET /events/{id}"]);
        assert_eq!(keys[2..], ["GET /workspaces/{id}/activity", "POST /workspaces/{id}/activity"]);
    }
}
