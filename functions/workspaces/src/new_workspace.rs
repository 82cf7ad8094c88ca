//! Reading `POST /workspaces`.

use platform::http::Object;
use platform::{Call, Platform, Problem, Result};
use rules::delivery::{self, Delivery};
use rules::field::{self, WorkspaceAccess};
use rules::tier::Tier;
use rules::workspace::{EXTERNAL_RUNTIME, Workspace};
use rules::{Status, WorkspaceId};
use serde::Deserialize;
use serde_json::Value;

/// What a managed workspace runs when nothing is said.
const DEFAULT_RUNTIME: &str = "langgraph";

#[derive(Deserialize)]
pub(crate) struct Body {
    name: String,
    #[serde(default)]
    role: Option<String>,
    #[serde(default)]
    tier: Option<i64>,
    #[serde(default)]
    runtime: Option<String>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    external: bool,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    parent_id: Option<String>,
    #[serde(default)]
    workspace_dir: Option<String>,
    #[serde(default)]
    workspace_access: WorkspaceAccess,
    #[serde(default)]
    budget_limit: Option<i64>,
    #[serde(default)]
    max_concurrent_tasks: Option<i64>,
    #[serde(default)]
    canvas: Option<Object<Canvas>>,
    #[serde(default)]
    template: Option<Value>,
    #[serde(default)]
    secrets: Option<Value>,
    #[serde(default)]
    initial_memories: Option<Value>,
}

#[derive(Deserialize)]
struct Canvas {
    #[serde(default)]
    x: f64,
    #[serde(default)]
    y: f64,
}

/// Reads and validates the body into a record that is not stored yet.
pub(crate) async fn read(platform: &Platform, call: &Call) -> Result<Workspace> {
    let body: Body = call.json()?;
    body.refuse_what_would_be_lost()?;
    let runtime = non_empty(body.runtime.as_deref()).map(field::runtime).transpose()?;
    let external = body.external || runtime.as_deref() == Some(EXTERNAL_RUNTIME);
    let url = match non_empty(body.url.as_deref()) {
        Some(url) if external => Some(checked_url(platform, url).await?),
        Some(_) => return Err(Problem::unprocessable("url_not_allowed", "only an external workspace has a url here")),
        None => None,
    };
    let workspace_dir = non_empty(body.workspace_dir.as_deref()).map(field::workspace_dir).transpose()?;
    field::workspace_access(body.workspace_access, workspace_dir.as_deref())?;
    let canvas = body.canvas.map_or(Ok((0.0, 0.0)), |Object(canvas)| field::canvas(canvas.x, canvas.y))?;
    let now = platform.now();
    Ok(Workspace {
        id: WorkspaceId::new(platform.entropy.uuid()),
        org: platform.config.org.clone(),
        version: 1,
        name: field::name(&body.name)?,
        role: non_empty(body.role.as_deref()).map(field::role).transpose()?,
        tier: tier(body.tier)?,
        status: if external { Status::AwaitingAgent } else { Status::Provisioning },
        status_since: now,
        status_reasons: Vec::new(),
        parent_id: parent(body.parent_id.as_deref())?,
        runtime: match external {
            true => EXTERNAL_RUNTIME.to_owned(),
            false => runtime.unwrap_or_else(|| DEFAULT_RUNTIME.to_owned()),
        },
        model: non_empty(body.model.as_deref()).map(field::model).transpose()?,
        delivery: delivery::resolve(None, Delivery::default(), external, url.is_some()),
        url,
        url_assigned: false,
        agent_card: None,
        max_concurrent_tasks: field::max_concurrent_tasks(body.max_concurrent_tasks.unwrap_or(1))?,
        generation: 1,
        bootstrap_open: !external,
        register_failure: None,
        auth_failure: None,
        inbound_secret: platform.entropy.secret(),
        workspace_dir,
        workspace_access: body.workspace_access,
        budget_limit: body.budget_limit.map(field::budget_limit).transpose()?,
        monthly_spend: 0,
        x: canvas.0,
        y: canvas.1,
        collapsed: false,
        last_beat: None,
        created_at: now,
        updated_at: now,
    })
}

impl Body {
    /// What this release does not keep is refused, never dropped in silence.
    fn refuse_what_would_be_lost(&self) -> Result<()> {
        let lost =
            [("template", &self.template), ("secrets", &self.secrets), ("initial_memories", &self.initial_memories)];
        for (name, value) in lost {
            let empty = match value {
                None | Some(Value::Null) => true,
                Some(Value::String(text)) => text.is_empty(),
                Some(Value::Array(items)) => items.is_empty(),
                Some(Value::Object(fields)) => fields.is_empty(),
                Some(_) => false,
            };
            if !empty {
                return Err(Problem::unprocessable(
                    "field_not_supported",
                    format!("{name} is not supported by this release; leave it out"),
                )
                .with("field", name));
            }
        }
        Ok(())
    }
}

pub(crate) fn non_empty(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

pub(crate) fn tier(number: Option<i64>) -> Result<Tier> {
    number.map_or(Ok(Tier::default()), |number| {
        Tier::try_from(number)
            .map_err(|error| Problem::bad_request("invalid_field", error.to_string()).with("field", "tier"))
    })
}

pub(crate) fn parent(id: Option<&str>) -> Result<Option<WorkspaceId>> {
    non_empty(id)
        .map(|id| id.parse().map_err(|_| Problem::bad_request("invalid_id", "parent_id must be a UUID")))
        .transpose()
}

async fn checked_url(platform: &Platform, url: &str) -> Result<String> {
    let checked = platform.agents.check(url).await.map_err(|refusal| {
        Problem::bad_request("url_validate_failed", refusal.to_string()).with("reason", refusal.reason())
    })?;
    Ok(checked.url().to_string())
}
