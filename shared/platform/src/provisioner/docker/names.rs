//! What things are called in the Engine, and the labels that say whose they are.

use std::collections::HashMap;

use rules::WorkspaceId;

use super::DockerEngine;

/// Of everything that any platform made.
const MANAGED: &str = "molecule.platform.managed";
/// Which platform made it.
const STACK: &str = "molecule.stack";
/// The full id of the workspace.
const WORKSPACE: &str = "molecule.workspace";
/// Which start of it.
const GENERATION: &str = "molecule.generation";
/// The port of a container that shares its host's network, and so has none published.
const PORT: &str = "molecule.port";

/// Labels, as the Engine has them.
pub(super) type Labels = HashMap<String, String>;

/// `ws-<first 12 characters of the id>`: the container, and its host name in the network.
pub(super) fn container(id: WorkspaceId) -> String {
    format!("ws-{}", short(id))
}

/// The volume of its configuration, its token and its sessions.
pub(super) fn configs_volume(id: WorkspaceId) -> String {
    format!("ws-{}-configs", short(id))
}

/// The volume of its work.
pub(super) fn workspace_volume(id: WorkspaceId) -> String {
    format!("ws-{id}-workspace")
}

fn short(id: WorkspaceId) -> String {
    id.to_string().chars().take(12).collect()
}

/// What a container's labels say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Label {
    /// Which workspace.
    pub workspace: WorkspaceId,
    /// Which start of it.
    pub generation: u64,
    /// Its port on the host's loopback, if it shares the host's network.
    pub port: Option<u16>,
}

impl DockerEngine {
    /// The labels of what belongs to the stack.
    pub(super) fn stack_labels(&self) -> Labels {
        [(MANAGED, "true"), (STACK, &self.settings.stack)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    /// The labels of what belongs to a workspace.
    pub(super) fn workspace_labels(&self, id: WorkspaceId) -> Labels {
        let mut labels = self.stack_labels();
        labels.insert(WORKSPACE.to_owned(), id.to_string());
        labels
    }

    /// The labels of a container.
    pub(super) fn container_labels(&self, label: Label) -> Labels {
        let mut labels = self.workspace_labels(label.workspace);
        labels.insert(GENERATION.to_owned(), label.generation.to_string());
        if let Some(port) = label.port {
            labels.insert(PORT.to_owned(), port.to_string());
        }
        labels
    }

    /// A filter for what belongs to the stack, or to one workspace of it.
    pub(super) fn filter(&self, id: Option<WorkspaceId>) -> HashMap<String, Vec<String>> {
        let labels = id.map_or_else(|| self.stack_labels(), |id| self.workspace_labels(id));
        let pairs = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        HashMap::from([("label".to_owned(), pairs)])
    }

    /// What the labels say, if this platform set them.
    pub(super) fn read(&self, labels: &Labels) -> Option<Label> {
        if !self.is_ours(labels) {
            return None;
        }
        Some(Label {
            workspace: labels.get(WORKSPACE)?.parse().ok()?,
            generation: labels.get(GENERATION)?.parse().ok()?,
            port: labels.get(PORT).and_then(|port| port.parse().ok()),
        })
    }

    /// Whether the stack made it.
    pub(super) fn is_ours(&self, labels: &Labels) -> bool {
        labels.get(MANAGED).is_some_and(|managed| managed == "true") && labels.get(STACK) == Some(&self.settings.stack)
    }
}

#[cfg(test)]
mod tests {
    use super::super::DockerSettings;
    use super::*;

    #[test]
    fn names_come_from_the_id() {
        let id: WorkspaceId = "0a0b0c0d-1111-4222-8333-444455556666".parse().unwrap();
        assert_eq!(container(id), "ws-0a0b0c0d-111");
        assert_eq!(configs_volume(id), "ws-0a0b0c0d-111-configs");
        assert_eq!(workspace_volume(id), "ws-0a0b0c0d-1111-4222-8333-444455556666-workspace");
    }

    #[test]
    fn labels_are_read_back_and_those_of_others_are_not() {
        let engine = DockerEngine::new(DockerSettings::new("one", 8080));
        let workspace = "0a0b0c0d-1111-4222-8333-444455556666".parse().unwrap();
        for port in [None, Some(4000)] {
            let label = Label { workspace, generation: 7, port };
            let labels = engine.container_labels(label);
            assert_eq!(labels["molecule.platform.managed"], "true");
            assert_eq!(labels["molecule.workspace"], workspace.to_string());
            assert_eq!(engine.read(&labels), Some(label));
            assert_eq!(DockerEngine::new(DockerSettings::new("two", 8080)).read(&labels), None);
        }
        assert_eq!(engine.read(&Labels::new()), None);
        assert_eq!(engine.read(&engine.workspace_labels(workspace)), None, "no generation");
    }
}
