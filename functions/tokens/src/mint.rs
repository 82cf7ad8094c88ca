//! `POST /workspaces/{id}/tokens`: a token to call the API in the workspace's name.

use lambda_http::http::StatusCode;
use platform::decide::{Fault, decide};
use platform::openapi::Refusals;
use platform::store::Look;
use platform::{Call, Platform, Problem, Reply, Result};
use rules::credential::TokenKind;
use rules::field;
use serde::Deserialize;
use serde_json::json;

use crate::issue::issue;
use crate::openapi;

/// What a token may be given: a name to tell it by.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[schema(as = NewToken)]
pub(crate) struct Body {
    #[serde(default)]
    #[schema(max_length = 100)]
    name: Option<String>,
}

impl Body {
    /// The name, if the body has one that is not blank.
    pub(crate) fn read(call: &Call) -> Result<Option<String>> {
        call.json_or_default::<Self>()?.into_name()
    }

    fn into_name(self) -> Result<Option<String>> {
        let name = field::token_name(&self.name.unwrap_or_default())?;
        Ok(Some(name).filter(|name| !name.is_empty()))
    }
}

/// Takes nothing, or `{"name"?}` of at most 100 bytes, from the workspace itself or an operator; answers 201 `{"auth_token",
/// "workspace_id","token_id","message"}`. The token is an API token: it neither registers nor heartbeats.
///
/// # Errors
/// 400 malformed; 401; 403 `not_your_workspace`; 404 unknown, told to operators; 409 `stale_generation`; 410 removed; 429
/// `token_limit` at 50 live tokens.
#[utoipa::path(
    post,
    path = "/workspaces/{id}/tokens",
    operation_id = "mint_token",
    request_body = Option<Body>,
    responses(
        (status = 201, description = "The token, shown this once", body = openapi::Minted),
        Refusals<400, 401, 403, 404, 409, 410, 429, 503>,
    ),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn mint(platform: Platform, call: Call) -> Result<Reply> {
    decide(|| round(&platform, &call)).await
}

async fn round(platform: &Platform, call: &Call) -> Result<Reply, Fault> {
    let (principal, id, seen) = platform.operator_or_self(call, Look::record().lease()).await?;
    let name = Body::read(call)?;
    let workspace = seen.workspace.as_ref().ok_or_else(Problem::no_workspace)?;
    let fresh = issue(platform, &seen, workspace, TokenKind::Api, name, &principal).await?;
    let answer = json!({
        "auth_token": fresh.secret,
        "workspace_id": id,
        "token_id": fresh.token.id,
        "message": "keep this token now, it is not shown again; it calls the API as this workspace and cannot heartbeat",
    });
    Ok(Reply::json(StatusCode::CREATED, &answer).header("cache-control", "no-store"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_names_the_token_or_does_not() {
        for (body, expected) in [
            (json!({}), Ok(None)),
            (json!({ "name": null }), Ok(None)),
            (json!({ "name": "  " }), Ok(None)),
            (json!({ "name": " ci " }), Ok(Some("ci".to_owned()))),
            (json!({ "name": "n".repeat(100) }), Ok(Some("n".repeat(100)))),
            (json!({ "name": "n".repeat(101) }), Err("invalid_field")),
            (json!({ "name": "a\nb" }), Err("invalid_field")),
        ] {
            let name = serde_json::from_value::<Body>(body.clone()).unwrap().into_name();
            assert_eq!(name.map_err(|problem| problem.code), expected, "{body}");
        }
    }
}
