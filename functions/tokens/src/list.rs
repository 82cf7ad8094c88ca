//! `GET /workspaces/{id}/tokens` and `GET /org/tokens`: the live tokens, newest first, never their secrets.

use platform::openapi::Refusals;
use platform::store::Look;
use platform::{Call, Platform, Problem, Reply, Result};
use rules::TokenId;
use rules::credential::{Token, TokenKind};
use rules::token::MAX_ORG_TOKENS;
use serde::Serialize;
use serde_json::json;

use crate::openapi;

/// A token of a workspace on the wire.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Token)]
pub(crate) struct Shown<'a> {
    id: TokenId,
    prefix: &'a str,
    kind: TokenKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[schema(value_type = platform::openapi::Time)]
    created_at: String,
    #[schema(value_type = Option<platform::openapi::Time>)]
    last_used_at: Option<String>,
}

/// A token of the organisation on the wire.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OrgToken)]
pub(crate) struct ShownOrg<'a> {
    #[serde(flatten)]
    token: Shown<'a>,
    org_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_by: Option<&'a str>,
}

impl<'a> From<&'a Token> for Shown<'a> {
    fn from(token: &'a Token) -> Self {
        Self {
            id: token.id,
            prefix: &token.prefix,
            kind: token.kind,
            name: token.name.as_deref(),
            created_at: token.created_at.rfc3339(),
            last_used_at: token.last_used_at.map(|used| used.rfc3339()),
        }
    }
}

impl<'a> From<&'a Token> for ShownOrg<'a> {
    fn from(token: &'a Token) -> Self {
        Self { token: token.into(), org_id: &token.org, created_by: token.created_by.as_deref() }
    }
}

/// Takes `?limit=` (1 to 200, else 50) and `?offset=`; answers the workspace itself and operators with 200 `{"tokens":[{"id",
/// "prefix","kind","name"?,"created_at","last_used_at"}],"count"}`, `count` being that of this page.
///
/// # Errors
/// 400 a bad id, limit or offset; 401; 403 `not_your_workspace`; 404 unknown, told to operators.
#[utoipa::path(
    get,
    path = "/workspaces/{id}/tokens",
    operation_id = "list_tokens",
    params(
        ("limit" = Option<u32>, Query, description = "How many, else 50", minimum = 1, maximum = 200),
        ("offset" = Option<u32>, Query, description = "How many are left out"),
    ),
    responses(
        (status = 200, description = "Live ones, newest first", body = openapi::Tokens),
        Refusals<400, 401, 403, 404, 503>,
    ),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn of_workspace(platform: Platform, call: Call) -> Result<Reply> {
    let (_, id, seen) = platform.operator_or_self(&call, Look::record()).await?;
    let limit = call.number("limit", 50, 1, 200)? as usize;
    let offset = call.number("offset", 0, 0, u32::MAX)? as usize;
    seen.workspace.ok_or_else(Problem::no_workspace)?;
    let tokens = platform.store.tokens_of(id).await?;
    Ok(page(newest(&tokens).skip(offset).take(limit).map(Shown::from)))
}

/// Answers operators with 200 `{"tokens":[{"id","prefix","kind","name"?,"created_at","last_used_at","org_id","created_by"?}],
/// "count"}`, all of them.
///
/// # Errors
/// 401; 403 a workspace's token.
#[utoipa::path(
    get,
    path = "/org/tokens",
    operation_id = "list_org_tokens",
    responses(
        (status = 200, description = "Live ones, newest first", body = openapi::OrgTokens),
        Refusals<401, 403, 503>,
    ),
    security(("operator" = [])),
)]
pub(crate) async fn of_org(platform: Platform, call: Call) -> Result<Reply> {
    platform.operator(&call).await?;
    let tokens = platform.store.org_tokens(&platform.config.org).await?;
    Ok(page(newest(&tokens).take(MAX_ORG_TOKENS).map(ShownOrg::from)))
}

/// The store lists them oldest first.
fn newest(tokens: &[Token]) -> impl Iterator<Item = &Token> {
    tokens.iter().rev().filter(|token| token.is_live())
}

fn page(tokens: impl Iterator<Item = impl Serialize>) -> Reply {
    let tokens: Vec<_> = tokens.collect();
    Reply::ok(&json!({ "count": tokens.len(), "tokens": tokens }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(id: u32, revoked_at: Option<u64>) -> Token {
        serde_json::from_value(json!({
            "id": format!("00000000-0000-4000-8000-{id:012}"), "kind": "org", "org": "home", "digest": "the-digest",
            "prefix": "abcdefgh", "created_by": "admin-token", "created_at": 1_000, "revoked_at": revoked_at,
        }))
        .unwrap()
    }

    #[test]
    fn newest_first_and_only_live_ones() {
        let tokens = [token(1, None), token(2, Some(2_000)), token(3, None)];
        let ids: Vec<_> = newest(&tokens).map(|token| token.id.to_string()).collect();
        assert_eq!(ids, ["00000000-0000-4000-8000-000000000003", "00000000-0000-4000-8000-000000000001"]);
    }

    #[test]
    fn a_listed_token_shows_no_digest_and_no_absent_name() {
        let shown = serde_json::to_value(ShownOrg::from(&token(1, None))).unwrap();
        let expected = json!({
            "id": "00000000-0000-4000-8000-000000000001", "prefix": "abcdefgh", "kind": "org",
            "created_at": "1970-01-01T00:00:01.000Z", "last_used_at": null, "org_id": "home", "created_by": "admin-token",
        });
        assert_eq!(shown, expected);
    }
}
