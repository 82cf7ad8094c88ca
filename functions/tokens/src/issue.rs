//! A new token, and the change of a workspace's credentials that every route here is.

use platform::Platform;
use platform::auth::Principal;
use platform::decide::Fault;
use platform::store::{Snapshot, Transaction};
use rules::credential::{Token, TokenKind};
use rules::event::{Event, EventType};
use rules::token::{changed, may_issue};
use rules::workspace::Workspace;
use serde_json::json;

/// A token that is not stored yet, with the only copy of its secret.
pub(crate) struct Fresh {
    pub(crate) token: Token,
    pub(crate) secret: String,
}

/// A token of the organisation `org`, for whoever presents it.
pub(crate) fn fresh(platform: &Platform, kind: TokenKind, org: &str, name: Option<String>, by: &Principal) -> Fresh {
    let (secret, token) = platform.new_token(kind, org, &by.label());
    let token = Token { name, ..token };
    Fresh { token, secret }
}

/// Issues a token of `workspace` as it stands in `seen`. It counts the live tokens after `seen` was read, and each of them
/// came with a new version of the record, so none slips past the limit.
pub(crate) async fn issue(
    platform: &Platform,
    seen: &Snapshot,
    workspace: &Workspace,
    kind: TokenKind,
    name: Option<String>,
    by: &Principal,
) -> Result<Fresh, Fault> {
    let live = platform.store.tokens_of(workspace.id).await?.len();
    may_issue(workspace, seen.token.as_ref(), live)?;
    let mut fresh = fresh(platform, kind, &workspace.org, name, by);
    fresh.token.workspace_id = Some(workspace.id);
    fresh.token.generation = workspace.generation;
    let payload = json!({ "token_id": fresh.token.id, "kind": kind, "by": by.label() });
    let event = Event::new(EventType::TokenIssued, payload);
    first_credential(platform, seen, workspace, event).issue_token(&fresh.token).commit().await?;
    Ok(fresh)
}

/// The beginning of a change of credentials: the record with the next version, its bootstrap over, and the event.
pub(crate) fn change<'a>(platform: &'a Platform, workspace: &Workspace, event: Event) -> Transaction<'a> {
    let after = changed(workspace, platform.now());
    platform.tell(platform.store.transaction().put_workspace(&after), &after, [event])
}

/// A change by which a workspace that may never have had a credential has one: heartbeats without any end with it.
pub(crate) fn first_credential<'a>(
    platform: &'a Platform,
    seen: &Snapshot,
    workspace: &Workspace,
    event: Event,
) -> Transaction<'a> {
    let transaction = change(platform, workspace, event);
    if workspace.bootstrap_open { transaction.close_lease(workspace.id, seen.lease.as_ref()) } else { transaction }
}
