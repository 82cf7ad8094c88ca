//! `POST /org/tokens`: another operator.

use platform::decide::{Fault, decide};
use platform::openapi::Refusals;
use platform::{Call, Platform, Reply, Result};
use rules::TokenId;
use rules::credential::TokenKind;
use rules::token::may_issue_for_org;
use serde::Serialize;

use crate::issue::fresh;
use crate::mint::Body;

/// The answer.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = MintedOrgToken)]
struct Minted {
    id: TokenId,
    prefix: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    name: Option<String>,
    auth_token: String,
    warning: &'static str,
}

/// Takes nothing, or `{"name"?}` of at most 100 bytes, from an operator; answers 200 `{"id","prefix","name"?,"auth_token",
/// "warning"}`.
///
/// # Errors
/// 400 malformed; 401; 403 a workspace's token; 429 `token_limit` at 500 live tokens. No record serialises the org's tokens,
/// so operators who mint at one instant may pass the limit by as many as they are.
#[utoipa::path(
    post,
    path = "/org/tokens",
    operation_id = "mint_org_token",
    request_body = Option<Body>,
    responses(
        (status = 200, description = "The token, shown this once", body = Minted),
        Refusals<400, 401, 403, 429, 503>,
    ),
    security(("operator" = [])),
)]
pub(crate) async fn mint(platform: Platform, call: Call) -> Result<Reply> {
    decide(|| round(&platform, &call)).await
}

async fn round(platform: &Platform, call: &Call) -> Result<Reply, Fault> {
    let principal = platform.operator(call).await?;
    let name = Body::read(call)?;
    let org = &platform.config.org;
    may_issue_for_org(platform.store.org_tokens(org).await?.len())?;
    let fresh = fresh(platform, TokenKind::Org, org, name, &principal);
    platform.store.transaction().issue_token(&fresh.token).commit().await?;
    tracing::info!(token = %fresh.token.id, by = %principal.label(), "org token issued");
    let minted = Minted {
        id: fresh.token.id,
        prefix: fresh.token.prefix,
        name: fresh.token.name,
        auth_token: fresh.secret,
        warning: "keep this token now, it is not shown again; it may do everything that an operator may, until it is revoked",
    };
    Ok(Reply::ok(&minted).header("cache-control", "no-store"))
}
