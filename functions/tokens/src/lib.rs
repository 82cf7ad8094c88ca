//! Tokens of workspaces and of the organisation, and an operator's ways to repair a lost one. A secret is shown once, in
//! the answer that issues it; storage has its digest, and events neither.

mod issue;
mod list;
mod mint;
mod mint_org;
mod openapi;
mod reset_credentials;
mod revoke;
mod revoke_org;
mod test_token;

pub use openapi::openapi;
use platform::Router;

/// The routes of this function.
pub fn router() -> Router {
    Router::new()
        .route("GET /workspaces/{id}/tokens", list::of_workspace)
        .route("POST /workspaces/{id}/tokens", mint::mint)
        .route("DELETE /workspaces/{id}/tokens/{token_id}", revoke::revoke)
        .route("GET /org/tokens", list::of_org)
        .route("POST /org/tokens", mint_org::mint)
        .route("DELETE /org/tokens/{token_id}", revoke_org::revoke)
        .route("GET /admin/workspaces/{id}/test-token", test_token::test_token)
        .route("POST /admin/workspaces/{id}/test-token", test_token::test_token)
        .route("POST /admin/workspaces/{id}/reset-credentials", reset_credentials::reset_credentials)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_routes_do_not_clash() {
        assert_eq!(super::router().keys().len(), 9);
    }
}
