//! A start: image, network, volumes, container. A start that was done is found done, and one that fails leaves nothing.

use std::net::TcpListener;

use bollard::models::{ContainerInspectResponse, ContainerStateStatusEnum, VolumeCreateRequest};
use bollard::query_parameters::CreateContainerOptionsBuilder;
use rules::WorkspaceId;
use rules::engine::{StartCause, StartFailure};
use tracing::warn;

use super::call::{CallError, found};
use super::definition::{self, Place};
use super::names::{self, Label};
use super::{DockerEngine, Launch, Started};

/// How often a start looks again after another one came between.
const ROUNDS: usize = 3;

/// What a start has made so far.
#[derive(Default)]
struct Made {
    container: Option<String>,
    volumes: Vec<String>,
}

impl DockerEngine {
    /// A container of the same generation counts as the start, also when it has ended since: it is the evidence of how,
    /// which `is_running` gives. One that was made and not started is started; one of another generation makes room.
    pub(super) async fn start_container(&self, launch: &Launch) -> Result<Started, StartFailure> {
        let name = names::container(launch.workspace_id);
        for _ in 0..ROUNDS {
            if let Some(container) = self.inspect(launch.workspace_id).await? {
                let id = container.id.clone().unwrap_or_default();
                match self.label_of(&container) {
                    Some(label) if label.workspace != launch.workspace_id => return Err(taken(&name)),
                    Some(label) if label.generation == launch.generation => {
                        if super::state::status(&container) == Some(ContainerStateStatusEnum::CREATED) {
                            self.change(self.client()?.start_container(&id, None)).await?;
                        }
                        return Ok(self.started(launch.workspace_id, id).await?);
                    }
                    Some(_) => self.end(&id).await?,
                    None => return Err(taken(&name)),
                }
            }
            self.ensure_image(&launch.image).await?;
            let mut made = Made::default();
            match self.make(launch, &mut made).await {
                Ok(started) => return Ok(started),
                // Another start was quicker, or the Engine is still about to remove the last one.
                Err(CallError::Conflict(text)) if made.container.is_none() => {
                    self.undo(&made).await;
                    warn!(container = name, text, "another start came between");
                    tokio::time::sleep(super::stop::LOOK).await;
                }
                Err(error) => {
                    self.undo(&made).await;
                    return Err(error.into());
                }
            }
        }
        Err(taken(&name))
    }

    async fn make(&self, launch: &Launch, made: &mut Made) -> Result<Started, CallError> {
        let client = self.client()?;
        self.network_gateway().await?;
        let privileged = self.settings.allow_privileged_tiers;
        let shared = definition::shares_host_network(launch.tier, privileged);
        let place = Place {
            network: self.settings.network.clone(),
            cpus: self.look(client.info()).await?.ncpu.unwrap_or(1),
            privileged,
            host_port: if shared { Some(free_port()?) } else { None },
        };
        for volume in definition::volumes(launch) {
            if found(self.look(client.inspect_volume(&volume)).await)?.is_none() {
                made.volumes.push(volume.clone());
                let labels = Some(self.workspace_labels(launch.workspace_id));
                let request = VolumeCreateRequest { name: Some(volume), labels, ..VolumeCreateRequest::default() };
                self.change(client.create_volume(request)).await?;
            }
        }
        let label = Label { workspace: launch.workspace_id, generation: launch.generation, port: place.host_port };
        let body = definition::container(launch, &place, self.container_labels(label));
        let name = names::container(launch.workspace_id);
        let options = CreateContainerOptionsBuilder::new().name(&name).build();
        let created = self.change(client.create_container(Some(options), body)).await;
        if matches!(created, Err(CallError::Unreachable(_))) {
            // It may be there all the same.
            made.container = Some(name);
        }
        let id = created?.id;
        made.container = Some(id.clone());
        self.change(client.start_container(&id, None)).await?;
        self.started(launch.workspace_id, id).await
    }

    /// Where a container is reached, now that it was started.
    async fn started(&self, id: WorkspaceId, instance: String) -> Result<Started, CallError> {
        let url = match self.inspect(id).await? {
            Some(container) => self.url_of(&container),
            None => None,
        };
        Ok(Started { instance, url })
    }

    /// Takes back what a failed start has made. What cannot be taken back now is found by label later.
    async fn undo(&self, made: &Made) {
        if let Some(container) = &made.container
            && let Err(error) = self.remove_container(container).await
        {
            return warn!(container, ?error, "a container of a failed start is left");
        }
        for volume in &made.volumes {
            if let Err(error) = self.remove_volume(volume).await {
                warn!(volume, ?error, "a volume of a failed start is left");
            }
        }
    }

    /// What the labels of a container say, if it is the stack's.
    pub(super) fn label_of(&self, container: &ContainerInspectResponse) -> Option<Label> {
        self.read(container.config.as_ref()?.labels.as_ref()?)
    }
}

/// A port that is free now. The platform and the Engine share a host wherever containers may share its network.
fn free_port() -> Result<u16, CallError> {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    port.map(|address| address.port()).map_err(|error| CallError::Refused(format!("no port is free: {error}")))
}

fn taken(name: &str) -> StartFailure {
    let evidence = format!("the name {name} belongs to a container that this platform did not make; remove it");
    StartFailure { cause: StartCause::Refused, evidence }
}

impl From<CallError> for StartFailure {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Unreachable(evidence) => Self { cause: StartCause::EngineUnreachable, evidence },
            CallError::NotFound(evidence) | CallError::Conflict(evidence) | CallError::Refused(evidence) => {
                Self { cause: cause(&evidence), evidence }
            }
        }
    }
}

/// The Engine gives a full disk, network or memory no status of its own: only its words tell them from a wrong request.
fn cause(text: &str) -> StartCause {
    let text = text.to_ascii_lowercase();
    let full =
        ["no space left", "cannot allocate memory", "no available ip", "no available network", "too many open files"];
    if full.iter().any(|words| text.contains(words)) { StartCause::NoCapacity } else { StartCause::Refused }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_engine_is_not_a_wrong_request() {
        for (text, expected) in [
            ("mkdir /var/lib/docker/x: no space left on device", StartCause::NoCapacity),
            ("no available IPv4 addresses on this network's address pools", StartCause::NoCapacity),
            ("fork/exec: cannot allocate memory", StartCause::NoCapacity),
            ("Minimum memory limit allowed is 6MB", StartCause::Refused),
            ("bind source path does not exist: /srv/x", StartCause::Refused),
        ] {
            assert_eq!(StartFailure::from(CallError::Refused(text.to_owned())).cause, expected, "{text}");
        }
        let unreachable = StartFailure::from(CallError::Unreachable("gone".to_owned()));
        assert_eq!(unreachable.cause, StartCause::EngineUnreachable);
    }
}
