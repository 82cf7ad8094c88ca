//! A stop: the containers of a workspace, and what they have stored.

use std::time::Duration;

use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListVolumesOptionsBuilder, RemoveContainerOptionsBuilder, RemoveVolumeOptions,
    StopContainerOptionsBuilder,
};
use rules::WorkspaceId;

use super::call::{CallError, found, within};
use super::{DockerEngine, EngineError, Stop, names};

/// Distance between two looks at something that is on its way.
pub(super) const LOOK: Duration = Duration::from_millis(100);

impl DockerEngine {
    /// Stops and removes containers by their labels, so that what was renamed or left behind is found too.
    pub(super) async fn stop_containers(&self, id: WorkspaceId, what: Stop) -> Result<(), EngineError> {
        let client = self.client()?;
        let options = ListContainersOptionsBuilder::new().all(true).filters(&self.filter(Some(id))).build();
        for container in self.look(client.list_containers(Some(options))).await? {
            let generation =
                container.labels.as_ref().and_then(|labels| self.read(labels)).map(|label| label.generation);
            let meant = match what {
                // A container of ours without a generation is nobody's newest.
                Stop::OlderThan(newest) => generation.is_none_or(|generation| generation < newest),
                Stop::All | Stop::AndRemove | Stop::AndReset => true,
            };
            if let (true, Some(container)) = (meant, container.id) {
                self.end(&container).await?;
            }
        }
        match what {
            Stop::OlderThan(_) | Stop::All => {}
            Stop::AndReset => self.remove_volume(&names::configs_volume(id)).await?,
            Stop::AndRemove => {
                let options = ListVolumesOptionsBuilder::new().filters(&self.filter(Some(id))).build();
                let volumes = self.look(client.list_volumes(Some(options))).await?.volumes;
                for volume in volumes.unwrap_or_default() {
                    self.remove_volume(&volume.name).await?;
                }
            }
        }
        Ok(())
    }

    /// SIGTERM, SIGKILL after the grace, and away with it.
    pub(super) async fn end(&self, container: &str) -> Result<(), CallError> {
        let grace = self.settings.stop_grace;
        let seconds = i32::try_from(grace.as_secs()).unwrap_or(i32::MAX);
        let options = StopContainerOptionsBuilder::new().t(seconds).build();
        let client = self.client()?;
        found(within(grace + self.settings.change_timeout, client.stop_container(container, Some(options))).await)?;
        self.remove_container(container).await
    }

    /// Removes a container, running or not, and waits until it is gone: its name is free then.
    pub(super) async fn remove_container(&self, container: &str) -> Result<(), CallError> {
        let client = self.client()?;
        let options = || RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        let gone = async {
            loop {
                match self.change(client.remove_container(container, Some(options()))).await {
                    Ok(()) | Err(CallError::NotFound(_)) => return Ok(()),
                    // Its removal is in progress already.
                    Err(CallError::Conflict(_)) => tokio::time::sleep(LOOK).await,
                    Err(error) => return Err(error),
                }
            }
        };
        let late = |_| Err(CallError::Unreachable("the removal of a container does not end".to_owned()));
        tokio::time::timeout(self.settings.change_timeout, gone).await.unwrap_or_else(late)
    }

    pub(super) async fn remove_volume(&self, volume: &str) -> Result<(), CallError> {
        found(self.change(self.client()?.remove_volume(volume, None::<RemoveVolumeOptions>)).await)?;
        Ok(())
    }
}
