//! Discovery: who a workspace may talk to, and where. The URLs are the hub's, so that rules and queue hold for everyone.

mod card;
mod check_access;
mod discover;
mod filter;
mod openapi;
mod peers;

pub use openapi::openapi;
use platform::Router;

/// The routes of this function.
pub fn router() -> Router {
    Router::new()
        .route("GET /registry/discover/{id}", discover::discover)
        .route("GET /registry/{id}/peers", peers::peers)
        .route("POST /registry/check-access", check_access::check_access)
        .route("GET /workspaces/{id}/.well-known/agent-card.json", card::card)
        // Its name before A2A 0.3.
        .route("GET /workspaces/{id}/.well-known/agent.json", card::card)
}

#[cfg(test)]
mod tests {
    #[test]
    fn routes() {
        let keys = [
            "GET /registry/discover/{id}",
            "GET /registry/{id}/peers",
            "POST /registry/check-access",
            "GET /workspaces/{id}/.well-known/agent-card.json",
            "GET /workspaces/{id}/.well-known/agent.json",
        ];
        assert_eq!(super::router().keys(), keys);
    }
}
