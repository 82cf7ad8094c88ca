//! What runs managed workspaces here: children of this process, or the Docker Engine; and what looks after it.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use platform::Platform;
use platform::config::{Backend, EngineSettings};
use platform::provisioner::docker::{DockerEngine, DockerSettings, What};
use platform::provisioner::process::{ProcessEngine, ProcessSettings};
use platform::provisioner::{NoEngine, Provisioner, Running};
use platform::queues::Job;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinSet;

use crate::data::DataDirectory;
use crate::error::StartError;

/// The argument with which this program is the runtime of a workspace instead of the platform.
pub const RUNTIME: &str = "workspace-runtime";
/// How often all that runs is held against the records.
const SURVEY: Duration = Duration::from_secs(15);

/// The engine of a platform.
#[derive(Debug)]
pub struct Engine {
    kind: Kind,
    /// Where else the platform listens, so that containers reach it.
    pub also_listen: Option<IpAddr>,
    /// The URL of the API as what it runs reaches it.
    pub platform_url: Option<String>,
}

#[derive(Debug)]
enum Kind {
    None,
    Process(ProcessEngine),
    Docker(DockerEngine),
}

impl Engine {
    /// Opens the engine that the settings name, for a platform at `port` on loopback.
    ///
    /// # Errors
    /// It cannot be had here.
    pub async fn open(settings: &EngineSettings, data: Option<&DataDirectory>, port: u16) -> Result<Self, StartError> {
        let failed = |problem: String| StartError::Engine { backend: settings.backend, problem };
        let engine = match (settings.backend, data) {
            (Backend::None, _) => Self { kind: Kind::None, also_listen: None, platform_url: None },
            (Backend::Ecs, _) => return Err(failed("ecs is for the functions on AWS".to_owned())),
            (Backend::Process | Backend::Docker, None) => {
                return Err(failed("it needs a data directory".to_owned()));
            }
            (Backend::Process, Some(data)) => {
                let processes = ProcessSettings {
                    runtime: this_program().map_err(|error| failed(error.to_string()))?,
                    arguments: vec![RUNTIME.to_owned()],
                    folder: data.processes(),
                    command: settings.command.clone(),
                };
                let engine = ProcessEngine::open(processes).map_err(|error| failed(error.to_string()))?;
                let url = format!("http://127.0.0.1:{port}");
                Self { kind: Kind::Process(engine), also_listen: None, platform_url: Some(url) }
            }
            (Backend::Docker, Some(data)) => {
                let engine = DockerEngine::new(DockerSettings {
                    allow_privileged_tiers: settings.allow_privileged_tiers,
                    ..DockerSettings::new(&data.stack()?, port)
                });
                let gateway = engine.ensure_network().await.map_err(|error| failed(error.to_string()))?;
                let url = engine.platform_url(gateway);
                Self { kind: Kind::Docker(engine), also_listen: Some(gateway), platform_url: Some(url) }
            }
        };
        Ok(engine)
    }

    /// What the functions ask.
    pub fn provisioner(&self) -> Arc<dyn Provisioner> {
        match &self.kind {
            Kind::None => Arc::new(NoEngine),
            Kind::Process(engine) => Arc::new(engine.clone()),
            Kind::Docker(engine) => Arc::new(engine.clone()),
        }
    }

    /// Looks after what runs, in tasks of the set: deaths are heard as they happen, and all is surveyed now and then.
    pub fn watch(&self, platform: &Platform, tasks: &mut JoinSet<()>) {
        match &self.kind {
            Kind::None => return,
            Kind::Process(engine) => tasks.spawn(hear_processes(engine.clone(), platform.clone())),
            Kind::Docker(engine) => tasks.spawn(hear_containers(engine.clone(), platform.clone())),
        };
        let platform = platform.clone();
        tasks.spawn(async move {
            let mut interval = tokio::time::interval(SURVEY);
            loop {
                interval.tick().await;
                platform.hand_out(&Job::Survey).await;
            }
        });
    }

    /// Ends children; containers run on, and the next platform finds them.
    pub async fn close(self) {
        match self.kind {
            Kind::None => {}
            Kind::Process(engine) => engine.shutdown().await,
            Kind::Docker(engine) => {
                if let Err(error) = engine.remove_network().await {
                    tracing::warn!(%error, "the containers' network is left");
                }
            }
        }
    }
}

fn this_program() -> std::io::Result<PathBuf> {
    std::env::current_exe()
}

async fn hear_processes(engine: ProcessEngine, platform: Platform) {
    let mut deaths = engine.subscribe();
    loop {
        match deaths.recv().await {
            Ok(end) => {
                let said = Running::No(end.exit);
                log(platform.engine_says(end.workspace_id, end.generation, &said).await);
            }
            // The survey finds what was missed.
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

async fn hear_containers(engine: DockerEngine, platform: Platform) {
    let mut events = engine.watch();
    while let Some(event) = events.next().await {
        match event.what {
            What::Died(_) | What::Destroyed => {}
            What::OutOfMemory => {
                log(platform.engine_killed_for_memory(event.workspace_id, event.generation).await);
                continue;
            }
            What::Started => continue,
        }
        // An event is a reason to look: the Engine knows exit code, memory and log.
        match engine.is_running(event.workspace_id, event.generation).await {
            Ok(said @ Running::No(_)) => {
                log(platform.engine_says(event.workspace_id, event.generation, &said).await);
            }
            Ok(Running::Yes { .. }) => {}
            Err(error) => tracing::warn!(%error, "a death was told and could not be looked at; the survey does"),
        }
    }
}

fn log(noted: platform::Result<bool>) {
    if let Err(problem) = noted {
        tracing::error!(code = problem.code, "what the engine told was not noted; the survey finds what counts");
    }
}
