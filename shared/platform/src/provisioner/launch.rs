//! What a start needs to know.

use rules::WorkspaceId;
use rules::field::WorkspaceAccess;
use rules::tier::{Tier, TierLimits};

use crate::config::Secret;

/// One start of a workspace. A runtime is told its id, the platform's address and its boot credential, and fetches the rest
/// after it registered: so no secret of the workspace stands in a container's definition.
#[derive(Debug, Clone)]
pub struct Launch {
    /// Which workspace.
    pub workspace_id: WorkspaceId,
    /// Which start of it.
    pub generation: u64,
    /// The workspace's runtime, such as `langgraph`.
    pub runtime: String,
    /// Isolation and size.
    pub tier: Tier,
    /// What the tier gives.
    pub limits: TierLimits,
    /// The image, for engines that have images.
    pub image: String,
    /// The command of a turn; none leaves it to the image.
    pub command: Option<String>,
    /// How many turns may run at once.
    pub max_concurrent_tasks: u32,
    /// Registers this generation.
    pub boot_credential: Secret,
    /// The URL of the API as the runtime reaches it.
    pub platform_url: String,
    /// A directory of the host.
    pub workspace_dir: Option<String>,
    /// How it is mounted.
    pub workspace_access: WorkspaceAccess,
}

impl Launch {
    /// The variables of the runtime. `url` is where the platform reaches it, if that is known before it runs. Names beyond
    /// those of `workspace-runtime` are what other runtimes read.
    pub fn environment(&self, url: Option<&str>) -> Vec<(&'static str, String)> {
        let mut variables = vec![
            ("WORKSPACE_ID", self.workspace_id.to_string()),
            ("PLATFORM_URL", self.platform_url.clone()),
            ("MOLECULE_URL", self.platform_url.clone()),
            ("WORKSPACE_TOKEN", self.boot_credential.0.clone()),
            ("WORKSPACE_DELIVERY_MODE", "push".to_owned()),
            ("WORKSPACE_MAX_CONCURRENT", self.max_concurrent_tasks.to_string()),
            ("TIER", self.tier.to_string()),
        ];
        if let Some(command) = &self.command {
            variables.push(("WORKSPACE_COMMAND", command.clone()));
        }
        if let Some(url) = url {
            variables.push(("MOLECULE_WORKSPACE_URL", url.to_owned()));
        }
        variables
    }
}
