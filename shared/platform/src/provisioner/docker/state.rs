//! What the Engine says about containers. Only its own certain word makes one dead: that there is none, or that it ended.

use bollard::models::{ContainerInspectResponse, ContainerStateStatusEnum};
use bollard::query_parameters::{ListContainersOptionsBuilder, LogsOptionsBuilder};
use futures::TryStreamExt as _;
use rules::WorkspaceId;
use rules::engine::Exit;

use super::call::{CallError, found, line};
use super::definition::PORT_KEY;
use super::{DockerEngine, EngineError, Instance, Running, names};

/// Lines of the log that go with an exit.
const EXIT_LINES: usize = 20;
/// The most that is kept of a log, in bytes.
const MAX_LOG: usize = 1024 * 1024;

impl DockerEngine {
    pub(super) async fn state_of(&self, id: WorkspaceId, generation: u64) -> Result<Running, EngineError> {
        let gone = |message: String| Ok(Running::No(Exit { message, ..Exit::default() }));
        let Some(container) = self.inspect(id).await? else {
            return gone(format!("the engine has no container {}", names::container(id)));
        };
        match self.label_of(&container) {
            Some(label) if label.workspace == id && label.generation == generation => {
                Ok(self.running(&container).await?)
            }
            // There is one container of the name, and it is another one.
            Some(label) if label.workspace == id => {
                gone(format!("its container is of generation {}", label.generation))
            }
            _ => gone(format!("the container {} is somebody else's", names::container(id))),
        }
    }

    pub(super) async fn logs_of(&self, id: WorkspaceId, tail: usize) -> Result<String, EngineError> {
        match self.inspect(id).await? {
            Some(container) if self.label_of(&container).is_some_and(|label| label.workspace == id) => {
                Ok(self.tail(&container.id.unwrap_or_default(), tail).await?)
            }
            _ => Ok(String::new()),
        }
    }

    pub(super) async fn instances(&self) -> Result<Vec<Instance>, EngineError> {
        let client = self.client()?;
        let options = ListContainersOptionsBuilder::new().all(true).filters(&self.filter(None)).build();
        let mut instances = Vec::new();
        for listed in self.look(client.list_containers(Some(options))).await? {
            let Some(label) = listed.labels.as_ref().and_then(|labels| self.read(labels)) else { continue };
            let instance = listed.id.unwrap_or_default();
            // Gone since the list was made.
            let Some(container) = found(self.look(client.inspect_container(&instance, None)).await)? else { continue };
            let running = self.running(&container).await?;
            instances.push(Instance { instance, workspace_id: label.workspace, generation: label.generation, running });
        }
        Ok(instances)
    }

    /// The container of a workspace's name, whoever made it.
    pub(super) async fn inspect(&self, id: WorkspaceId) -> Result<Option<ContainerInspectResponse>, CallError> {
        found(self.look(self.client()?.inspect_container(&names::container(id), None)).await)
    }

    async fn running(&self, container: &ContainerInspectResponse) -> Result<Running, CallError> {
        use ContainerStateStatusEnum as Status;
        match status(container) {
            Some(Status::EXITED | Status::DEAD) => Ok(Running::No(self.exit(container).await)),
            // One that was made will be started, or the same start is repeated; one that is being removed is soon gone.
            Some(Status::RUNNING | Status::PAUSED | Status::RESTARTING | Status::CREATED | Status::REMOVING) => {
                Ok(Running::Yes { url: self.url_of(container) })
            }
            Some(Status::EMPTY | Status::STOPPING) | None => {
                Err(CallError::Refused("it does not say whether the container runs".to_owned()))
            }
        }
    }

    async fn exit(&self, container: &ContainerInspectResponse) -> Exit {
        let state = container.state.clone().unwrap_or_default();
        let code = state.exit_code.and_then(|code| i32::try_from(code).ok());
        // Set for good when the kernel has killed anything in it for memory: a command of a turn, perhaps, long ago.
        let starved = state.oom_killed.unwrap_or(false);
        let out_of_memory = starved && code == Some(137);
        let mut message = line(&state.error.unwrap_or_default());
        if starved && !out_of_memory {
            let separator = if message.is_empty() { "" } else { "; " };
            message = format!("something in it had been killed for lack of memory{separator}{message}");
        }
        let id = container.id.as_deref().unwrap_or_default();
        // That it ended is certain without its last words.
        let log_tail = self.tail(id, EXIT_LINES).await.unwrap_or_default();
        Exit { code, stopped: false, out_of_memory, message, log_tail }
    }

    /// The last lines of both outputs, in the order in which the Engine got them.
    async fn tail(&self, container: &str, lines: usize) -> Result<String, CallError> {
        let options = LogsOptionsBuilder::new().stdout(true).stderr(true).tail(&lines.to_string()).build();
        let client = self.client()?;
        let frames = client.logs(container, Some(options));
        let gathered = frames.try_fold(Vec::new(), |mut log, frame| {
            log.extend_from_slice(&frame.into_bytes());
            if log.len() > 2 * MAX_LOG {
                log.drain(..log.len() - MAX_LOG);
            }
            std::future::ready(Ok(log))
        });
        let log = found(self.look(gathered).await)?.unwrap_or_default();
        Ok(rules::memory::redacted(&String::from_utf8_lossy(&log[log.len().saturating_sub(MAX_LOG)..])))
    }

    /// Where the platform reaches a container: the published port, or its own in the host's network.
    pub(super) fn url_of(&self, container: &ContainerInspectResponse) -> Option<String> {
        let own = self.label_of(container).and_then(|label| label.port).map(|port| port.to_string());
        let published = || {
            let ports = container.network_settings.as_ref()?.ports.as_ref()?;
            let bindings = ports.get(PORT_KEY)?.as_ref()?;
            bindings.iter().find_map(|binding| binding.host_port.clone().filter(|port| !port.is_empty()))
        };
        own.or_else(published).map(|port| format!("http://127.0.0.1:{port}"))
    }
}

/// What a container is doing.
pub(super) fn status(container: &ContainerInspectResponse) -> Option<ContainerStateStatusEnum> {
    container.state.as_ref()?.status
}
