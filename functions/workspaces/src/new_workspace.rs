//! Reading `POST /workspaces`.

use std::collections::BTreeMap;

use platform::http::Object;
use platform::secrets::SecretOwner;
use platform::{Call, Platform, Problem, Result};
use rules::credential;
use rules::delivery::{self, Delivery};
use rules::field::{self, WorkspaceAccess};
use rules::secret::{MAX_AT_CREATION, SecretRecord};
use rules::start::{self, Start};
use rules::team::Member;
use rules::tier::Tier;
use rules::workspace::{EXTERNAL_RUNTIME, Workspace};
use rules::{Status, WorkspaceId};
use serde::Deserialize;
use serde_json::Value;

use crate::team::{self, Given};

/// What a managed workspace runs when nothing is said.
const DEFAULT_RUNTIME: &str = "langgraph";

#[derive(Default, Deserialize, utoipa::ToSchema)]
#[schema(as = NewWorkspace)]
pub(crate) struct Body {
    #[schema(max_length = 255)]
    name: String,
    #[serde(default)]
    #[schema(max_length = 1000)]
    role: Option<String>,
    #[serde(default)]
    #[schema(minimum = 1, maximum = 4)]
    tier: Option<i64>,
    #[serde(default)]
    #[schema(max_length = 100)]
    runtime: Option<String>,
    #[serde(default)]
    #[schema(max_length = 100)]
    model: Option<String>,
    #[serde(default)]
    external: bool,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    #[schema(format = Uuid)]
    parent_id: Option<String>,
    #[serde(default)]
    workspace_dir: Option<String>,
    #[serde(default)]
    workspace_access: WorkspaceAccess,
    #[serde(default)]
    budget_limit: Option<i64>,
    #[serde(default)]
    #[schema(minimum = 1, maximum = 100)]
    max_concurrent_tasks: Option<i64>,
    #[serde(default)]
    #[schema(max_length = 4096)]
    command: Option<String>,
    #[serde(default)]
    #[schema(minimum = 0, maximum = 525_600)]
    hibernation_idle_minutes: Option<i64>,
    #[serde(default)]
    #[schema(value_type = Option<Canvas>)]
    canvas: Option<Object<Canvas>>,
    #[serde(default)]
    #[schema(ignore)]
    template: Option<Value>,
    #[serde(default)]
    secrets: Option<BTreeMap<String, String>>,
    #[serde(default)]
    #[schema(ignore)]
    initial_memories: Option<Value>,
    #[serde(default)]
    #[schema(value_type = Option<Vec<Given>>, max_items = 20)]
    sub_workspaces: Option<Vec<Object<Given>>>,
}

#[derive(Deserialize, utoipa::ToSchema)]
struct Canvas {
    #[serde(default)]
    x: f64,
    #[serde(default)]
    y: f64,
}

/// Reads and validates the body into a record, and the secrets that it begins with, that are not stored yet.
pub(crate) async fn read(platform: &Platform, call: &Call) -> Result<(Workspace, Vec<SecretRecord>)> {
    let mut body: Body = call.json()?;
    let secrets = body.secrets.take().unwrap_or_default();
    body.refuse_what_would_be_lost()?;
    let team = body.sub_workspaces.take().filter(|given| !given.is_empty()).map(team::read).transpose()?;
    let external = body.external || non_empty(body.runtime.as_deref()) == Some(EXTERNAL_RUNTIME);
    let url = match non_empty(body.url.as_deref()) {
        Some(url) if external => Some(checked_url(platform, url).await?),
        Some(_) => return Err(Problem::unprocessable("url_not_allowed", "only an external workspace has a url here")),
        None => None,
    };
    let mut workspace = record(platform, body, url)?;
    workspace.team = team.unwrap_or_default();
    let secrets = sealed(platform, workspace.id, &secrets).await?;
    Ok((workspace, secrets))
}

/// The record of a new member of a team.
pub(crate) fn member(platform: &Platform, above: &Workspace, member: &Member) -> Result<Workspace> {
    let runtime = member.runtime.clone().or_else(|| (!above.is_external()).then(|| above.runtime.clone()));
    let body = Body {
        name: member.name.clone(),
        role: member.role.clone(),
        tier: Some(i64::from(member.tier.unwrap_or(above.tier).number())),
        runtime,
        model: member.model.clone(),
        command: member.command.clone(),
        max_concurrent_tasks: member.max_concurrent_tasks.map(i64::from),
        hibernation_idle_minutes: member.hibernation_idle_minutes.map(i64::from),
        parent_id: Some(above.id.to_string()),
        ..Body::default()
    };
    record(platform, body, None)
}

fn record(platform: &Platform, body: Body, url: Option<String>) -> Result<Workspace> {
    let runtime = non_empty(body.runtime.as_deref()).map(field::runtime).transpose()?;
    let external = body.external || runtime.as_deref() == Some(EXTERNAL_RUNTIME);
    let workspace_dir = non_empty(body.workspace_dir.as_deref()).map(field::workspace_dir).transpose()?;
    field::workspace_access(body.workspace_access, workspace_dir.as_deref())?;
    let canvas = body.canvas.map_or(Ok((0.0, 0.0)), |Object(canvas)| field::canvas(canvas.x, canvas.y))?;
    let now = platform.now();
    let runs = !external && platform.config.engine.backend.runs_workspaces();
    let mut workspace = Workspace {
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
        url_assigned: runs,
        agent_card: None,
        max_concurrent_tasks: field::max_concurrent_tasks(body.max_concurrent_tasks.unwrap_or(1))?,
        generation: 1,
        bootstrap_open: credential::bootstrap_opens(external, runs, platform.config.development),
        register_failure: None,
        auth_failure: None,
        inbound_secret: platform.entropy.secret(),
        workspace_dir,
        workspace_access: body.workspace_access,
        command: non_empty(body.command.as_deref()).map(field::command).transpose()?,
        hibernation_idle_minutes: body.hibernation_idle_minutes.map(field::idle_minutes).transpose()?,
        start: Start { at: Some(now), reason: "created".to_owned(), ..Start::default() },
        secrets_revision: 0,
        secrets_seen: 0,
        team: Vec::new(),
        budget_limit: body.budget_limit.map(field::budget_limit).transpose()?,
        monthly_spend: 0,
        x: canvas.0,
        y: canvas.1,
        collapsed: false,
        last_beat: None,
        created_at: now,
        updated_at: now,
    };
    workspace.start.spec = start::spec(&workspace);
    Ok(workspace)
}

async fn sealed(platform: &Platform, id: WorkspaceId, secrets: &BTreeMap<String, String>) -> Result<Vec<SecretRecord>> {
    if secrets.len() > MAX_AT_CREATION {
        let text = format!("a workspace begins with at most {MAX_AT_CREATION} secrets; add the rest afterwards");
        return Err(Problem::conflict("too_many_secrets", text).with("field", "secrets"));
    }
    let mut sealed = Vec::with_capacity(secrets.len());
    for (key, value) in secrets {
        sealed.push(platform.seal_secret(SecretOwner::Workspace(id), key, value).await?);
    }
    Ok(sealed)
}

impl Body {
    /// What this release does not keep is refused, never dropped in silence.
    fn refuse_what_would_be_lost(&self) -> Result<()> {
        let lost = [("template", &self.template), ("initial_memories", &self.initial_memories)];
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
