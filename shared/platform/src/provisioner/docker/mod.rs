//! Workspaces as containers of a Docker Engine, over its API.
//!
//! One container per workspace, `ws-<first 12 characters of the id>`. Its labels say all that has to be known of it, so
//! that the backend has no state of its own: whose platform it belongs to, which workspace and generation it is. The
//! Engine restarts nothing by itself; a container that ended stays, as evidence, until its workspace is stopped or
//! started anew.
//!
//! **Who a runtime is.** The image says it: `molecule-workspace` runs as user 1000, to whom `/configs` and `/workspace`
//! belong (a new volume takes the owner of the directory that it is mounted over). An image that begins as root, to
//! hand files over and step down, finds the few capabilities for that; all others are dropped for everyone, and nobody
//! gains any by executing something.
//!
//! **Who it can reach.** The internet, and the platform at the gateway of the stack's own network. Not its neighbours:
//! the network forbids containers to talk to one another, and their ports are published to the host's loopback only.

mod call;
mod definition;
mod image;
mod names;
mod network;
mod start;
mod state;
mod stop;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use rules::WorkspaceId;
use rules::engine::StartFailure;

use super::{EngineError, Instance, Launch, Provisioner, Running, Started, Stop};

pub use watch::{EngineEvent, What};

/// What a [`DockerEngine`] is told.
#[derive(Debug, Clone)]
pub struct DockerSettings {
    /// Tells this platform's containers from those of another one on the same Engine.
    pub stack: String,
    /// The name of the containers' own bridge network.
    pub network: String,
    /// Where the platform listens, on the network's gateway address.
    pub platform_port: u16,
    /// Tiers 3 and 4 get rights over the host. Otherwise they are ordinary containers, only larger.
    pub allow_privileged_tiers: bool,
    /// The Engine's address, such as `unix:///var/run/docker.sock`; none takes `DOCKER_HOST`, or else that one.
    pub host: Option<String>,
    /// How long a look may take, before the Engine counts as not answering.
    pub look_timeout: Duration,
    /// The same for a change: to create, start or remove something.
    pub change_timeout: Duration,
    /// How long an image may take to be pulled.
    pub pull_timeout: Duration,
    /// How long a runtime has between SIGTERM and SIGKILL.
    pub stop_grace: Duration,
}

impl DockerSettings {
    /// The usual ones for a stack, whose name also names its network.
    pub fn new(stack: &str, platform_port: u16) -> Self {
        Self {
            stack: stack.to_owned(),
            network: format!("{stack}-workspaces"),
            platform_port,
            allow_privileged_tiers: false,
            host: None,
            look_timeout: Duration::from_secs(5),
            change_timeout: Duration::from_secs(30),
            pull_timeout: Duration::from_secs(300),
            stop_grace: Duration::from_secs(5),
        }
    }
}

/// A Docker Engine that runs workspaces. Copies of it are the same.
#[derive(Debug, Clone)]
pub struct DockerEngine {
    settings: Arc<DockerSettings>,
    /// Held while the network is made: older Engines make two of one name when asked twice at once.
    network: Arc<tokio::sync::Mutex<()>>,
}

impl DockerEngine {
    /// Talks to nobody yet: an Engine that is away now may be there later.
    pub fn new(settings: DockerSettings) -> Self {
        Self { settings: Arc::new(settings), network: Arc::default() }
    }
}

impl Provisioner for DockerEngine {
    fn start<'a>(&'a self, launch: &'a Launch) -> BoxFuture<'a, Result<Started, StartFailure>> {
        Box::pin(self.start_container(launch))
    }

    fn stop<'a>(&'a self, id: WorkspaceId, what: Stop) -> BoxFuture<'a, Result<(), EngineError>> {
        Box::pin(self.stop_containers(id, what))
    }

    fn is_running<'a>(&'a self, id: WorkspaceId, generation: u64) -> BoxFuture<'a, Result<Running, EngineError>> {
        Box::pin(self.state_of(id, generation))
    }

    fn logs<'a>(&'a self, id: WorkspaceId, tail: usize) -> BoxFuture<'a, Result<String, EngineError>> {
        Box::pin(self.logs_of(id, tail))
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<Instance>, EngineError>> {
        Box::pin(self.instances())
    }
}
