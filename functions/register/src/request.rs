//! Reading a register call, and checking its URLs once the caller is known.

use platform::{Call, Platform, Problem, Result};
use rules::WorkspaceId;
use rules::delivery::DeliveryMode;
use rules::field;
use rules::url_policy::UrlRefusal;
use rules::workspace::Workspace;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// A register call, validated as far as it can be without knowing the caller.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) id: WorkspaceId,
    pub(crate) mode: Option<DeliveryMode>,
    pub(crate) url: Option<String>,
    pub(crate) card: Value,
    written: String,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = Registration)]
pub(crate) struct Body {
    #[schema(format = Uuid)]
    id: String,
    #[serde(default)]
    url: Option<String>,
    #[schema(value_type = platform::openapi::AgentCard)]
    agent_card: Box<RawValue>,
    #[serde(default)]
    #[schema(value_type = Option<DeliveryMode>)]
    delivery_mode: Option<String>,
    #[serde(default)]
    kind: Option<String>,
}

impl Request {
    /// Reads the body.
    pub(crate) fn read(call: &Call) -> Result<Self> {
        let body: Body = call.json()?;
        let id = body.id.parse().map_err(|_| Problem::bad_request("invalid_id", "id must be the workspace's UUID"))?;
        let (card, written) = read_card(&body.agent_card)?;
        let mode = match body.delivery_mode.as_deref().map(str::trim).filter(|mode| !mode.is_empty()) {
            None => None,
            Some("push") => Some(DeliveryMode::Push),
            Some("poll") => Some(DeliveryMode::Poll),
            Some(_) => {
                return Err(Problem::bad_request("invalid_delivery_mode", "delivery_mode must be push or poll")
                    .with("reason", "invalid_delivery_mode"));
            }
        };
        if body.kind.as_deref().is_some_and(|kind| kind != "workspace") {
            return Err(Problem::forbidden("kind_not_allowed", "only workspaces register here; leave kind out"));
        }
        let url = body.url.map(|url| url.trim().to_owned()).filter(|url| !url.is_empty());
        Ok(Self { id, mode, url, card, written })
    }

    /// The endpoint to store, after the URL policy looked at it and at the card's. Poll mode needs none.
    pub(crate) async fn endpoint(&self, platform: &Platform, workspace: &Workspace) -> Result<Option<String>> {
        if workspace.url_assigned {
            // The platform knows where it runs; what a container takes for its own address is not used, whatever it is.
            return Ok(None);
        }
        let card_url = self.card.get("url").and_then(Value::as_str).map(str::trim).filter(|url| !url.is_empty());
        if let Some(url) = card_url {
            platform.agents.check(url).await.map_err(|refusal| refused("agent_card_url_rejected", refusal))?;
        }
        let delivery = rules::register::delivery(workspace, self.mode, self.url.is_some());
        if delivery.mode == DeliveryMode::Poll {
            return Ok(None);
        }
        let candidate = self.url.as_deref().or(card_url).ok_or_else(|| {
            Problem::bad_request("url_required_for_push", "push mode needs a url; send one, or delivery_mode poll")
                .with("reason", "url_required_for_push")
        })?;
        let checked =
            platform.agents.check(candidate).await.map_err(|refusal| refused("url_validate_failed", refusal))?;
        Ok(Some(checked.url().to_string()))
    }

    /// The card to store. One that bears no name of its own gets the workspace's.
    pub(crate) fn card(&self, workspace: &Workspace) -> String {
        let name = self.card.get("name").and_then(Value::as_str).unwrap_or_default().trim();
        if name.is_empty() || name == workspace.id.to_string() {
            let mut card = self.card.clone();
            card["name"] = json!(workspace.name);
            return card.to_string();
        }
        self.written.clone()
    }
}

/// A card, checked, and the text to store it under.
pub(crate) fn read_card(written: &RawValue) -> Result<(Value, String)> {
    let card = serde_json::from_str(written.get()).unwrap_or_default();
    field::agent_card(&card)?;
    let text = field::card_text(written.get(), &card);
    Ok((card, text))
}

/// 400 with the reason; the URL itself is not repeated.
pub(crate) fn refused(code: &'static str, refusal: UrlRefusal) -> Problem {
    Problem::bad_request(code, refusal.to_string()).with("reason", refusal.reason())
}
