//! Reading `sub_workspaces`.

use platform::http::Object;
use platform::{Platform, Problem, Result};
use rules::field::{self, FieldError};
use rules::team::{self, Member};
use rules::workspace::{EXTERNAL_RUNTIME, Workspace};
use rules::{Status, WorkspaceId};
use serde::Deserialize;

use crate::new_workspace::{non_empty, tier};

/// One of `sub_workspaces` as it is given.
#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = SubWorkspace)]
pub(crate) struct Given {
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
    #[schema(max_length = 4096)]
    command: Option<String>,
    #[serde(default)]
    #[schema(minimum = 1, maximum = 100)]
    max_concurrent_tasks: Option<i64>,
    #[serde(default)]
    #[schema(minimum = 0, maximum = 525_600)]
    hibernation_idle_minutes: Option<i64>,
}

/// The team that was given, or the field that is wrong.
pub(crate) fn read(given: Vec<Object<Given>>) -> Result<Vec<Member>> {
    let team = given.into_iter().map(|Object(given)| member(&given)).collect::<Result<Vec<_>>>()?;
    team::check(&team)?;
    Ok(team)
}

fn member(given: &Given) -> Result<Member> {
    let runtime = non_empty(given.runtime.as_deref()).map(field::runtime).transpose()?;
    if runtime.as_deref() == Some(EXTERNAL_RUNTIME) {
        let text = "an external workspace has a token of its own; make it with POST /workspaces";
        return Err(FieldError::new("sub_workspaces", text).into());
    }
    Ok(Member {
        name: field::name(&given.name)?,
        role: non_empty(given.role.as_deref()).map(field::role).transpose()?,
        tier: given.tier.map(|number| tier(Some(number))).transpose()?,
        runtime,
        model: non_empty(given.model.as_deref()).map(field::model).transpose()?,
        command: non_empty(given.command.as_deref()).map(field::command).transpose()?,
        max_concurrent_tasks: given.max_concurrent_tasks.map(field::max_concurrent_tasks).transpose()?,
        hibernation_idle_minutes: given.hibernation_idle_minutes.map(field::idle_minutes).transpose()?,
        id: None,
    })
}

/// The workspace that a member is now, if it lives and still is below its parent.
pub(crate) async fn living(platform: &Platform, parent: WorkspaceId, member: &Member) -> Result<Option<Workspace>> {
    let Some(id) = member.id else { return Ok(None) };
    let found = platform.store.workspace(id).await?;
    Ok(found.filter(|child| child.status != Status::Removed && child.parent_id == Some(parent)))
}

/// The workspace that an expand or a collapse is about.
pub(crate) fn there(found: Option<Workspace>) -> Result<Workspace> {
    let workspace = found.ok_or_else(Problem::no_workspace)?;
    if workspace.status == Status::Removed { Err(Problem::gone()) } else { Ok(workspace) }
}
