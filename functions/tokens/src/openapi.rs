//! The OpenAPI description of this function.
#![expect(dead_code, reason = "these types describe answers; nothing makes a value of them")]

use platform::openapi::{Time, also};
use rules::{TokenId, WorkspaceId};
use utoipa::{OpenApi, ToSchema};

use crate::list::{Shown, ShownOrg};

/// Tokens of a workspace.
#[derive(ToSchema)]
pub(crate) struct Tokens {
    tokens: Vec<Shown<'static>>,
    /// Of this page.
    count: usize,
}

/// Tokens of the organisation.
#[derive(ToSchema)]
pub(crate) struct OrgTokens {
    tokens: Vec<ShownOrg<'static>>,
    count: usize,
}

/// A new token of a workspace.
#[derive(ToSchema)]
#[schema(as = MintedToken)]
pub(crate) struct Minted {
    auth_token: String,
    workspace_id: WorkspaceId,
    token_id: TokenId,
    message: String,
}

/// A token that is worth nothing now.
#[derive(ToSchema)]
#[schema(as = RevokedOrgToken)]
pub(crate) struct Revoked {
    revoked: TokenId,
}

/// A runtime's token for whoever develops one.
#[derive(ToSchema)]
pub(crate) struct TestToken {
    auth_token: String,
    workspace_id: WorkspaceId,
}

/// A one-time credential for register.
#[derive(ToSchema)]
#[schema(as = BootCredential)]
pub(crate) struct Reset {
    boot_credential: String,
    workspace_id: WorkspaceId,
    expires_at: Option<Time>,
    message: String,
}

#[derive(OpenApi)]
#[openapi(paths(
    crate::list::of_workspace,
    crate::list::of_org,
    crate::mint::mint,
    crate::mint_org::mint,
    crate::revoke::revoke,
    crate::revoke_org::revoke,
    crate::test_token::test_token,
    crate::reset_credentials::reset_credentials,
))]
struct Described;

/// What its routes take and answer.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut described = Described::openapi();
    let token = "POST /admin/workspaces/{id}/test-token";
    also(&mut described, token, "GET /admin/workspaces/{id}/test-token", "get_test_token");
    described
}
