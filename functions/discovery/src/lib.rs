//! Discovery: who a workspace may talk to, and where. The URLs are the hub's, so that rules and queue hold for everyone.

mod check_access;
mod discover;
mod filter;
mod peers;

use platform::Router;

/// The routes of this function.
pub fn router() -> Router {
    Router::new()
        .route("GET /registry/discover/{id}", discover::discover)
        .route("GET /registry/{id}/peers", peers::peers)
        .route("POST /registry/check-access", check_access::check_access)
}

#[cfg(test)]
mod tests {
    #[test]
    fn routes() {
        let keys = ["GET /registry/discover/{id}", "GET /registry/{id}/peers", "POST /registry/check-access"];
        assert_eq!(super::router().keys(), keys);
    }
}
