//! `POST /registry/update-card`.

use platform::decide::{Fault, decide};
use platform::openapi::{Done, Refusals};
use platform::store::Look;
use platform::{Call, Platform, Problem, Reply, Result};
use rules::credential::{Denial, may_heartbeat};
use rules::event::{Event, EventType};
use rules::{Status, WorkspaceId};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::request::{read_card, refused};

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = NewAgentCard)]
struct Body {
    #[schema(format = Uuid)]
    workspace_id: String,
    #[schema(value_type = platform::openapi::AgentCard)]
    agent_card: Box<RawValue>,
}

/// Takes `{"workspace_id","agent_card"}`; answers 200 `{"status":"updated"}`. Any live token of the workspace will do.
///
/// # Errors
/// 400 malformed, or `agent_card_url_rejected`; 401; 404 unknown; 410 removed.
#[utoipa::path(
    post,
    path = "/registry/update-card",
    operation_id = "update_agent_card",
    request_body = Body,
    responses((status = 200, description = "Stored", body = Done), Refusals<400, 401, 404, 409, 410, 503>),
    security(("workspace" = [])),
)]
pub(crate) async fn update_card(platform: Platform, call: Call) -> Result<Reply> {
    let body: Body = call.json()?;
    let id =
        body.workspace_id.parse().map_err(|_| Problem::bad_request("invalid_id", "workspace_id must be a UUID"))?;
    let (card, text) = read_card(&body.agent_card)?;
    let digest = call.bearer().map(platform::entropy::digest);
    decide(|| round(&platform, id, &card, &text, digest.as_deref())).await?;
    Ok(Reply::ok(&json!({ "status": "updated" })))
}

async fn round(
    platform: &Platform,
    id: WorkspaceId,
    card: &Value,
    text: &str,
    digest: Option<&str>,
) -> Result<(), Fault> {
    let snapshot = platform.store.look(id, &Look::record().bearer(digest)).await?;
    let workspace = snapshot.workspace.as_ref().ok_or_else(Problem::no_workspace)?;
    if workspace.status == Status::Removed {
        let own = snapshot.token.as_ref().is_some_and(|token| token.belongs_to(id));
        return Err(if own { Problem::gone() } else { Problem::bad_credential() }.into());
    }
    match may_heartbeat(workspace, snapshot.presented()) {
        Ok(()) | Err(Denial::NotInstance) => {}
        Err(denial) => return Err(Problem::from(denial).into()),
    }
    if let Some(url) = card.get("url").and_then(Value::as_str).filter(|url| !url.is_empty()) {
        platform.agents.check(url).await.map_err(|refusal| refused("agent_card_url_rejected", refusal))?;
    }
    if workspace.agent_card.as_deref() == Some(text) {
        return Ok(());
    }
    let mut after = workspace.clone();
    after.agent_card = Some(text.to_owned());
    after.version += 1;
    after.updated_at = platform.now();
    let mut transaction = platform.store.transaction().put_workspace(&after);
    if let Some(token) = &snapshot.token {
        transaction = transaction.check_token(token);
    }
    let event = Event::new(EventType::AgentCardUpdated, json!({ "agent_card": card }));
    Ok(platform.tell(transaction, &after, Some(event)).commit().await?)
}
