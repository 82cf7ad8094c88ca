//! `PATCH /workspaces/{id}`.

use platform::decide::{Fault, decide};
use platform::openapi::Refusals;
use platform::store::Look;
use platform::{Call, Platform, Problem, Reply, Result};
use rules::event::{Event, EventType};
use rules::field::{self, WorkspaceAccess};
use rules::start;
use rules::workspace::Workspace;
use rules::{Status, WorkspaceId};
use serde::{Deserialize, Deserializer};
use serde_json::json;

use crate::new_workspace::{non_empty, parent, tier};
use crate::openapi;
use crate::tree;

/// A field that is absent, null, or there.
fn nullable<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[schema(as = WorkspaceChanges)]
struct Body {
    #[schema(max_length = 255)]
    name: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, max_length = 1000)]
    role: Option<Option<String>>,
    x: Option<f64>,
    y: Option<f64>,
    collapsed: Option<bool>,
    #[schema(minimum = 1, maximum = 4)]
    tier: Option<i64>,
    #[schema(max_length = 100)]
    runtime: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, max_length = 100)]
    model: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<WorkspaceId>)]
    parent_id: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    workspace_dir: Option<Option<String>>,
    workspace_access: Option<WorkspaceAccess>,
    #[schema(minimum = 1, maximum = 100)]
    max_concurrent_tasks: Option<i64>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, max_length = 4096)]
    command: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 525_600)]
    hibernation_idle_minutes: Option<Option<i64>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i64>)]
    budget_limit: Option<Option<i64>>,
}

impl Body {
    /// A workspace may rename itself and move on the canvas; what decides its rights and its size is the operator's.
    fn operators_field(&self) -> Option<&'static str> {
        let fields = [
            ("tier", self.tier.is_some()),
            ("runtime", self.runtime.is_some()),
            ("model", self.model.is_some()),
            ("parent_id", self.parent_id.is_some()),
            ("workspace_dir", self.workspace_dir.is_some()),
            ("workspace_access", self.workspace_access.is_some()),
            ("max_concurrent_tasks", self.max_concurrent_tasks.is_some()),
            ("command", self.command.is_some()),
            ("hibernation_idle_minutes", self.hibernation_idle_minutes.is_some()),
            ("budget_limit", self.budget_limit.is_some()),
        ];
        fields.iter().find(|(_, there)| *there).map(|(name, _)| *name)
    }
}

/// Takes any of `name, role, x, y, collapsed`, and from operators `tier, runtime, model, parent_id, workspace_dir,
/// workspace_access, max_concurrent_tasks, command, hibernation_idle_minutes, budget_limit`; null clears where that makes sense. Unknown fields are ignored.
/// 200 `{"status":"updated"}`, with `"needs_restart":true` where the change takes effect at the next start.
///
/// # Errors
/// 400 with the field; 401; 403 for an operator's field; 404; 409 `parent_cycle`; 410 removed. Nothing is changed then.
#[utoipa::path(
    patch,
    path = "/workspaces/{id}",
    operation_id = "update_workspace",
    request_body = Body,
    responses(
        (status = 200, description = "Changed", body = openapi::Updated),
        Refusals<400, 401, 403, 404, 409, 410, 422, 503>,
    ),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn patch(platform: Platform, call: Call) -> Result<Reply> {
    let (principal, id, _) = platform.operator_or_self(&call, Look::record()).await?;
    let body: Body = call.json()?;
    if !principal.is_operator()
        && let Some(name) = body.operators_field()
    {
        return Err(Problem::forbidden("operators_only", format!("{name} can only be changed by an operator"))
            .with("field", name));
    }
    let needs_restart = decide(|| round(&platform, id, &body)).await?;
    let mut answer = json!({ "status": "updated" });
    if needs_restart {
        answer["needs_restart"] = json!(true);
    }
    Ok(Reply::ok(&answer))
}

async fn round(platform: &Platform, id: WorkspaceId, body: &Body) -> Result<bool, Fault> {
    let snapshot = platform.store.look(id, &Look::record().lease()).await?;
    let workspace = snapshot.workspace.as_ref().ok_or_else(Problem::no_workspace)?;
    if workspace.status == Status::Removed {
        return Err(Problem::gone().into());
    }
    let mut after = changed(workspace, body)?;
    let mut transaction = platform.store.transaction();
    if after.parent_id != workspace.parent_id
        && let Some(parent) = after.parent_id
    {
        // Moves above could make a circle of this one; and the parent's delete must not overlook the child.
        let (parent, above) = tree::parent_for(platform, id, parent).await?;
        transaction = above.iter().fold(transaction.raise_version(&parent), |all, one| all.check_workspace(one));
    }
    if after == *workspace {
        return Ok(false);
    }
    after.version += 1;
    after.updated_at = platform.now();
    transaction = transaction.put_workspace(&after);
    if after.max_concurrent_tasks != workspace.max_concurrent_tasks && snapshot.lease.is_some() {
        transaction = transaction.raise_control(id);
    }
    platform.tell(transaction, &after, events(workspace, &after)).commit().await?;
    Ok(start::spec(&after) != start::spec(workspace))
}

fn changed(workspace: &Workspace, body: &Body) -> Result<Workspace> {
    let mut after = workspace.clone();
    let text = |text: &Option<String>| non_empty(text.as_deref()).map(str::to_owned);
    if let Some(name) = &body.name {
        after.name = field::name(name)?;
    }
    if let Some(role) = &body.role {
        after.role = text(role).as_deref().map(field::role).transpose()?;
    }
    (after.x, after.y) = field::canvas(body.x.unwrap_or(after.x), body.y.unwrap_or(after.y))?;
    after.collapsed = body.collapsed.unwrap_or(after.collapsed);
    if body.tier.is_some() {
        after.tier = tier(body.tier)?;
    }
    if let Some(runtime) = non_empty(body.runtime.as_deref()) {
        after.runtime = field::runtime(runtime)?;
        if after.is_external() != workspace.is_external() {
            let text = "a workspace stays managed or external; create a new one";
            return Err(Problem::conflict("runtime_kind", text).with("field", "runtime"));
        }
    }
    if let Some(model) = &body.model {
        after.model = text(model).as_deref().map(field::model).transpose()?;
    }
    if let Some(id) = &body.parent_id {
        after.parent_id = parent(id.as_deref())?;
    }
    if let Some(dir) = &body.workspace_dir {
        after.workspace_dir = text(dir).as_deref().map(field::workspace_dir).transpose()?;
    }
    after.workspace_access = body.workspace_access.unwrap_or(after.workspace_access);
    field::workspace_access(after.workspace_access, after.workspace_dir.as_deref())?;
    if let Some(count) = body.max_concurrent_tasks {
        after.max_concurrent_tasks = field::max_concurrent_tasks(count)?;
    }
    if let Some(command) = &body.command {
        after.command = text(command).as_deref().map(field::command).transpose()?;
    }
    if let Some(minutes) = body.hibernation_idle_minutes {
        after.hibernation_idle_minutes = minutes.map(field::idle_minutes).transpose()?.filter(|minutes| *minutes > 0);
    }
    if let Some(limit) = body.budget_limit {
        after.budget_limit = limit.map(field::budget_limit).transpose()?;
    }
    Ok(after)
}

fn events(before: &Workspace, after: &Workspace) -> Vec<Event> {
    let mut events = Vec::new();
    if after.parent_id != before.parent_id {
        let payload = json!({ "from": before.parent_id, "to": after.parent_id });
        events.push(Event::new(EventType::WorkspaceMoved, payload));
    }
    let unmoved = Workspace {
        parent_id: before.parent_id,
        version: before.version,
        updated_at: before.updated_at,
        ..after.clone()
    };
    if unmoved != *before {
        events.push(Event::new(EventType::WorkspaceUpdated, json!({ "name": after.name })));
    }
    events
}
