//! `GET /workspaces/{id}/a2a/queue`.

use platform::auth::Principal;
use platform::openapi::Refusals;
use platform::store::Look;
use platform::{Call, Platform, Problem, Reply, Result};
use rules::MessageId;
use rules::message::{Message, State};
use serde_json::json;

use crate::openapi;
use crate::show::{may_see, show};

/// Reads of one page: a filter that matches little must not read for ever.
const MOST_READS: usize = 10;

/// Which messages are wanted.
struct Filter {
    state: Option<State>,
    open: Option<bool>,
    caller: Option<String>,
    context_id: Option<String>,
}

impl Filter {
    fn read(call: &Call) -> Result<Self> {
        let text = |name: &str| call.query.get(name).filter(|value| !value.is_empty()).cloned();
        let state = match text("status") {
            None => None,
            Some(name) => Some(state(&name).ok_or_else(|| {
                Problem::bad_request("invalid_query", "status must be one of queued, dispatched, delivered, completed, failed, expired, cancelled, coalesced, dropped")
            })?),
        };
        let open = match text("open").as_deref() {
            None => None,
            Some("true" | "1") => Some(true),
            Some("false" | "0") => Some(false),
            Some(_) => return Err(Problem::bad_request("invalid_query", "open must be true or false")),
        };
        Ok(Self { state, open, caller: text("caller"), context_id: text("context_id") })
    }

    fn wants(&self, message: &Message) -> bool {
        self.state.is_none_or(|state| message.state == state)
            && self.open.is_none_or(|open| message.state.is_terminal() != open)
            && self.caller.as_ref().is_none_or(|caller| message.caller.key() == *caller)
            && self.context_id.as_ref().is_none_or(|context| message.context_id.as_ref() == Some(context))
    }
}

fn state(name: &str) -> Option<State> {
    serde_json::from_value(json!(name)).ok()
}

/// 200 `{"items":[…],"next":null|"…"}`, newest first: the messages to this workspace. Itself and operators see all, any
/// other workspace those that it sent. `?status=`, `?open=`, `?caller=`, `?context_id=` filter; `?limit=` 1 to 200, else
/// 50; `?cursor=` is the `next` of the page before. A page may hold fewer than `limit` and still have a next one.
///
/// # Errors
/// 400, 401, 404 for operators.
#[utoipa::path(
    get,
    path = "/workspaces/{id}/a2a/queue",
    operation_id = "list_messages",
    params(
        ("status" = Option<State>, Query, description = "In this state only"),
        ("open" = Option<bool>, Query, description = "Only those that have ended, or have not"),
        ("caller" = Option<String>, Query, description = "Of this sender only"),
        ("context_id" = Option<String>, Query, description = "Of this context only"),
        ("limit" = Option<u32>, Query, description = "How many, else 50", minimum = 1, maximum = 200),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before"),
    ),
    responses((status = 200, description = "Newest first", body = openapi::Messages), Refusals<400, 401, 404, 503>),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn list(platform: Platform, call: Call) -> Result<Reply> {
    let (principal, id, snapshot) = platform.any_principal(&call, Look::record()).await?;
    if snapshot.workspace.is_none() && !matches!(principal, Principal::Workspace(_)) {
        return Err(Problem::no_workspace());
    }
    let filter = Filter::read(&call)?;
    let limit = call.number("limit", 50, 1, 200)?;
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut before = cursor(&call)?;
    let mut items = Vec::new();
    for _ in 0..MOST_READS {
        let left = u32::try_from(wanted - items.len()).unwrap_or(limit);
        let keep = |message: &Message| may_see(&principal, message) && filter.wants(message);
        let page = platform.store.messages(id, before, left, keep).await?;
        items.extend(page.messages.iter().map(show));
        before = page.next;
        if before.is_none() || items.len() >= wanted {
            break;
        }
    }
    Ok(Reply::ok(&json!({ "items": items, "next": before })))
}

/// The place where the page before ended.
pub(crate) fn cursor(call: &Call) -> Result<Option<MessageId>> {
    let Some(text) = call.query.get("cursor").filter(|text| !text.is_empty()) else { return Ok(None) };
    let parsed = text.parse().ok();
    parsed.map(Some).ok_or_else(|| Problem::bad_request("invalid_query", "cursor must be the next of the page before"))
}
