//! What ECS says about a task, from an EventBridge event "ECS Task State Change" or from `DescribeTasks`: whose it is, of
//! which generation, and whether it runs.

mod ending;
mod refusal;

use std::fmt;

use serde::Deserialize;

use crate::WorkspaceId;
use crate::engine::Exit;

pub use refusal::{run_failure, service_error};

/// The container of a task that is the runtime.
pub const CONTAINER: &str = "workspace";
/// The port at which it listens.
pub const PORT: u16 = 8000;
/// The variable of a task's overrides that names its workspace.
pub const WORKSPACE_VARIABLE: &str = "WORKSPACE_ID";
/// The variable of a task's overrides that names its generation: events carry overrides, and not always tags.
pub const GENERATION_VARIABLE: &str = "WORKSPACE_GENERATION";
/// The tag that names the platform that started a task.
pub const STACK_TAG: &str = "molecule:stack";
/// The tag that names its workspace.
pub const WORKSPACE_TAG: &str = "molecule:workspace";
/// The tag that names its generation.
pub const GENERATION_TAG: &str = "molecule:generation";

/// A task, as far as the platform reads it: the `detail` of an event, or an element of `DescribeTasks`' `tasks`. What an
/// answer leaves out is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Task {
    /// The ARN.
    pub task_arn: String,
    /// Where it is in its life, such as `RUNNING`.
    pub last_status: String,
    /// Where ECS wants it to be.
    pub desired_status: String,
    /// Why it stopped, as a code.
    pub stop_code: Option<String>,
    /// Why it stopped, in words.
    pub stopped_reason: Option<String>,
    /// Who started it: the workspace's id.
    pub started_by: Option<String>,
    /// What it was started with.
    pub overrides: Overrides,
    /// Its containers.
    pub containers: Vec<Container>,
    /// Its network interface among others.
    pub attachments: Vec<Attachment>,
    /// Its tags.
    pub tags: Vec<Tag>,
}

/// What a task was started with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Overrides {
    /// By container.
    pub container_overrides: Vec<ContainerOverride>,
}

/// What one container was started with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ContainerOverride {
    /// Its variables.
    pub environment: Vec<Variable>,
}

/// A variable of a container. The boot credential is among them, so no debug print shows a value.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl fmt::Debug for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=(hidden)", self.name)
    }
}

/// A container of a task.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Container {
    /// Its name in the definition.
    pub name: String,
    /// Its exit code.
    pub exit_code: Option<i32>,
    /// Why it is not running, in words.
    pub reason: Option<String>,
}

/// Something attached to a task.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Attachment {
    /// What, by name.
    pub details: Vec<Variable>,
}

/// A tag of a task.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Tag {
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// What a task's state means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It is being started, or being stopped, or in a state that is not known here: wait for the next one.
    Between,
    /// It runs.
    Running {
        /// Where the platform reaches it.
        url: Option<String>,
    },
    /// It does not run any more, and will not again.
    Gone(Exit),
}

/// A task of a workspace's generation and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The task's ARN.
    pub instance: String,
    /// Whose it is.
    pub workspace_id: WorkspaceId,
    /// Of which generation.
    pub generation: u64,
    /// How it is.
    pub state: State,
}

impl Task {
    /// What the task says; none for a task that no platform of ours started.
    pub fn seen(&self) -> Option<Seen> {
        let named = |variable, tag| self.variable(variable).or_else(|| self.tag(tag));
        Some(Seen {
            instance: self.task_arn.clone(),
            workspace_id: named(WORKSPACE_VARIABLE, WORKSPACE_TAG)?.parse().ok()?,
            generation: named(GENERATION_VARIABLE, GENERATION_TAG)?.parse().ok()?,
            state: self.state(),
        })
    }

    /// A tag's value.
    pub fn tag(&self, key: &str) -> Option<&str> {
        self.tags.iter().find(|tag| tag.key == key).map(|tag| tag.value.as_str())
    }

    /// ECS wants it to run.
    pub fn is_wanted(&self) -> bool {
        self.desired_status != "STOPPED" && self.last_status != "STOPPED"
    }

    fn variable(&self, name: &str) -> Option<&str> {
        let all = self.overrides.container_overrides.iter().flat_map(|container| &container.environment);
        all.into_iter().find(|variable| variable.name == name).map(|variable| variable.value.as_str())
    }

    fn state(&self) -> State {
        match self.last_status.as_str() {
            "STOPPED" | "DELETED" => State::Gone(ending::exit(self)),
            "RUNNING" if self.desired_status != "STOPPED" => State::Running { url: self.url() },
            _ => State::Between,
        }
    }

    fn url(&self) -> Option<String> {
        let details = self.attachments.iter().flat_map(|attachment| &attachment.details);
        let address = details.into_iter().find(|detail| detail.name == "privateIPv4Address")?;
        let address: std::net::Ipv4Addr = address.value.parse().ok()?;
        Some(format!("http://{address}:{PORT}"))
    }
}

/// Reads an EventBridge event. None for events of another kind, for tasks that are not the platform's and for what cannot
/// be read.
pub fn event(event: &serde_json::Value) -> Option<Seen> {
    if event["source"] != "aws.ecs" || event["detail-type"] != "ECS Task State Change" {
        return None;
    }
    Task::deserialize(&event["detail"]).ok()?.seen()
}

#[cfg(test)]
mod tests;
