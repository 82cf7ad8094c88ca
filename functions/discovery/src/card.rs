//! `GET /workspaces/{id}/.well-known/agent-card.json`: the card under which the hub serves a workspace.

use bytes::Bytes;
use lambda_http::http::StatusCode;
use platform::auth::Principal;
use platform::entropy::digest_bytes;
use platform::http::{base_url, hub_url};
use platform::openapi::{AgentCard, NamedWorkspace, Refusals};
use platform::store::{Look, Snapshot};
use platform::{Call, Platform, Problem, Reply, Result};
use rules::WorkspaceId;
use rules::card::hub_card;
use rules::workspace::Workspace;

use crate::discover::{speaks_for, visible};

/// How long a card may be used without asking again.
const CACHE: &str = "private, max-age=60";

/// Answers 200 with the agent card for A2A 0.3 and 1.0, its addresses the hub's, or 304 to an `If-None-Match` that names
/// it. `?original=true`: the card as its agent gave it, byte for byte with its signatures, for operators and the workspace
/// itself. `X-Workspace-ID` is not needed: a workspace's token says who asks.
///
/// # Errors
/// As the discovery of a peer; 404 `card_unknown` for the original where no agent has given one.
#[utoipa::path(
    get,
    path = "/workspaces/{id}/.well-known/agent-card.json",
    operation_id = "get_agent_card",
    params(
        NamedWorkspace,
        ("original" = Option<bool>, Query, description = "The card as its agent gave it"),
        ("If-None-Match" = Option<String>, Header, description = "ETags of cards that are known"),
    ),
    responses(
        (status = 200, description = "The agent card", body = AgentCard, headers(("ETag" = String))),
        (status = 304, description = "The card is known already"),
        Refusals<400, 401, 403, 404, 410, 503>,
    ),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn card(platform: Platform, call: Call) -> Result<Reply> {
    let named = call.named_workspace();
    let look = Look::record().other(named.as_ref().ok().copied().flatten());
    let (principal, id, mut seen) = platform.any_principal(&call, look).await?;
    let caller = caller(&platform, &principal, named?, id, &mut seen).await?;
    let workspace = match caller {
        Some(caller) => {
            speaks_for(&principal, caller, seen.other.as_ref())?;
            visible(&principal, seen.other.as_ref(), seen.workspace.as_ref())?
        }
        None => visible(&principal, seen.workspace.as_ref(), seen.workspace.as_ref())?,
    };
    let body = if call.flag("original") {
        original(&principal, workspace)?
    } else {
        let url = hub_url(&base_url(&call, &platform.config), workspace.id);
        Bytes::from(hub_card(workspace, &url).to_string())
    };
    let tag = format!("\"{}\"", &digest_bytes(&body)[..22]);
    let reply = match call.header("if-none-match") {
        Some(known) if names(known, &tag) => Reply::raw(StatusCode::NOT_MODIFIED, "application/json", Bytes::new()),
        _ => Reply::raw(StatusCode::OK, "application/json", body),
    };
    Ok(reply.header("etag", &tag).header("cache-control", CACHE).header("vary", "authorization, x-workspace-id"))
}

/// Who asks: the workspace that is named, or that of the token. An operator who names none asks as such. The record of
/// whoever asks is then in `seen.other`.
async fn caller(
    platform: &Platform,
    principal: &Principal,
    named: Option<WorkspaceId>,
    id: WorkspaceId,
    seen: &mut Snapshot,
) -> Result<Option<WorkspaceId>> {
    let (None, Principal::Workspace(own)) = (named, principal) else { return Ok(named) };
    seen.other = if *own == id { seen.workspace.clone() } else { platform.store.workspace(*own).await? };
    Ok(Some(*own))
}

fn original(principal: &Principal, workspace: &Workspace) -> Result<Bytes> {
    if !principal.is_operator() && *principal != Principal::Workspace(workspace.id) {
        let message = "the original names the agent's own address; only operators and the workspace itself may see it";
        return Err(Problem::forbidden("not_your_workspace", message));
    }
    let card = workspace.agent_card.clone().map(Bytes::from);
    card.ok_or_else(|| Problem::not_found("card_unknown", "its agent has given no card yet; it does so at register"))
}

/// Whether an `If-None-Match` names this tag.
fn names(known: &str, tag: &str) -> bool {
    known.split(',').map(str::trim).any(|known| known == "*" || known.trim_start_matches("W/") == tag)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_tag_is_named_alone_in_a_list_weakly_or_by_a_star() {
        for (known, expected) in [
            ("\"a\"", true),
            ("W/\"a\"", true),
            ("\"b\", \"a\"", true),
            ("*", true),
            ("\"b\"", false),
            ("a", false),
            ("", false),
        ] {
            assert_eq!(super::names(known, "\"a\""), expected, "{known}");
        }
    }
}
