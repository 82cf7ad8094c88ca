//! The network of a stack's containers: they reach the platform and the internet, not one another.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use bollard::models::{NetworkCreateRequest, NetworkInspect};
use bollard::query_parameters::{ListContainersOptionsBuilder, ListNetworksOptionsBuilder};

use super::call::{CallError, found};
use super::{DockerEngine, EngineError};

impl DockerEngine {
    /// Sees to it that the network is there, and says where it reaches the host: the platform listens on this address
    /// too, at [`super::DockerSettings::platform_port`], and on no other of the host's.
    ///
    /// # Errors
    /// The Engine does not answer, or a network of this name belongs to somebody else.
    pub async fn ensure_network(&self) -> Result<IpAddr, EngineError> {
        Ok(self.network_gateway().await?)
    }

    /// The URL of the platform as the containers reach it, at this gateway.
    pub fn platform_url(&self, gateway: IpAddr) -> String {
        format!("http://{}", SocketAddr::new(gateway, self.settings.platform_port))
    }

    /// Removes the network, unless the stack still has containers. Whether it is gone.
    ///
    /// # Errors
    /// The Engine does not answer or refuses.
    pub async fn remove_network(&self) -> Result<bool, EngineError> {
        let _alone = self.network.lock().await;
        let client = self.client()?;
        // One that ended needs its network too, should it be looked at or started again.
        let all = ListContainersOptionsBuilder::new().all(true).filters(&self.filter(None)).build();
        if !self.look(client.list_containers(Some(all))).await?.is_empty() {
            return Ok(false);
        }
        let options = ListNetworksOptionsBuilder::new().filters(&self.filter(None)).build();
        for network in self.look(client.list_networks(Some(options))).await? {
            let id = network.id.unwrap_or_default();
            found(self.change(client.remove_network(&id)).await)?;
        }
        Ok(true)
    }

    pub(super) async fn network_gateway(&self) -> Result<IpAddr, CallError> {
        let _alone = self.network.lock().await;
        let client = self.client()?;
        let name = &self.settings.network;
        let network = match found(self.look(client.inspect_network(name, None)).await)? {
            Some(network) => network,
            None => {
                match self.change(client.create_network(self.network_request())).await {
                    // Another process of this stack was quicker.
                    Ok(_) | Err(CallError::Conflict(_)) => {}
                    Err(error) => return Err(error),
                }
                self.look(client.inspect_network(name, None)).await?
            }
        };
        if !network.labels.as_ref().is_some_and(|labels| self.is_ours(labels)) {
            return Err(CallError::Refused(format!(
                "the network {name} was not made by the stack {}: its containers could reach one another; \
                 remove it, or name another one",
                self.settings.stack
            )));
        }
        gateway(&network).ok_or_else(|| CallError::Refused(format!("the network {name} has no gateway")))
    }

    fn network_request(&self) -> NetworkCreateRequest {
        let no_neighbours = ("com.docker.network.bridge.enable_icc".to_owned(), "false".to_owned());
        NetworkCreateRequest {
            name: self.settings.network.clone(),
            driver: Some("bridge".to_owned()),
            options: Some(HashMap::from([no_neighbours])),
            labels: Some(self.stack_labels()),
            ..NetworkCreateRequest::default()
        }
    }
}

/// The first that is an address: some Engines write its prefix beside it.
fn gateway(network: &NetworkInspect) -> Option<IpAddr> {
    let configs = network.ipam.as_ref()?.config.as_ref()?;
    configs.iter().find_map(|config| config.gateway.as_deref()?.split('/').next()?.parse().ok())
}
