//! A stack of its own for each test.

use std::time::Duration;

use platform::config::Secret;
use platform::provisioner::docker::{DockerEngine, DockerSettings};
use platform::provisioner::{Launch, Provisioner as _, Running, Stop};
use rules::WorkspaceId;
use rules::engine::Exit;
use rules::field::WorkspaceAccess;
use rules::tier::{Tier, TierLimits};
use tests::process::docker::Stack;
pub use tests::process::docker::{IMAGE, docker, shell_image};
use tests::process::{BOUND, eventually};

/// Sleeps until it is told to end.
pub const SLEEPER: &str = "trap 'exit 0' TERM; echo sleeping; while :; do sleep 1 & wait $!; done";

/// A stack: its engine, and nothing of it left in the end.
pub struct Bench {
    /// Its backend.
    pub engine: DockerEngine,
    /// What it was made from.
    pub settings: DockerSettings,
    stack: Stack,
}

impl Bench {
    /// A new stack on this machine's Engine, with the images built; none where no Engine answers.
    pub fn new() -> Option<Self> {
        let stack = Stack::new()?;
        let mut settings = DockerSettings::new(&stack.name, 8080);
        settings.stop_grace = Duration::from_secs(2);
        Some(Self { engine: DockerEngine::new(settings.clone()), settings, stack })
    }

    /// Ends the stack as its platform would, and looks for what is left.
    pub async fn finish(self, workspaces: &[WorkspaceId]) {
        for workspace in workspaces {
            self.engine.stop(*workspace, Stop::AndRemove).await.unwrap();
        }
        assert!(self.engine.remove_network().await.unwrap(), "the network is not used any more");
        assert_eq!(self.left(), "");
    }

    /// Everything that the stack has.
    pub fn left(&self) -> String {
        self.stack.left()
    }

    /// Waits until a generation is dead, and says how.
    pub async fn until_dead(&self, launch: &Launch) -> Exit {
        let look = async || match self.engine.is_running(launch.workspace_id, launch.generation).await.unwrap() {
            Running::No(exit) => Some(exit),
            Running::Yes { .. } => None,
        };
        eventually("the container has ended", BOUND, look).await
    }

    /// Whether a generation runs.
    pub async fn runs(&self, launch: &Launch) -> bool {
        let running = self.engine.is_running(launch.workspace_id, launch.generation).await.unwrap();
        matches!(running, Running::Yes { .. })
    }
}

/// The first generation of a new workspace.
pub fn launch(image: &str) -> Launch {
    Launch {
        workspace_id: WorkspaceId::new(uuid::Uuid::new_v4()),
        generation: 1,
        runtime: "langgraph".to_owned(),
        tier: Tier::Standard,
        limits: TierLimits { memory_mb: 64, cpu_shares: 1024 },
        image: image.to_owned(),
        command: None,
        max_concurrent_tasks: 1,
        boot_credential: Secret("boot-credential-of-a-test".to_owned()),
        platform_url: "http://127.0.0.1:9".to_owned(),
        workspace_dir: None,
        workspace_access: WorkspaceAccess::None,
    }
}
