//! The settings of what runs managed workspaces.

use std::collections::BTreeMap;
use std::time::Duration;

use rules::restart::Limits;
use rules::tier::{Tier, TierLimits, limits};

use super::{
    ALLOW_PRIVILEGED_TIERS, ConfigError, EcsSettings, MAX_RESTART_ATTEMPTS, PROVISION_TIMEOUT_SECONDS,
    PROVISION_TIMEOUTS, PROVISIONER, RESTART_BACKOFF_SECONDS, RESTART_CONTEXT, RESTART_DEBOUNCE_SECONDS,
    RESTART_SILENCE_SECONDS, Reader, STABLE_AFTER_SECONDS, Variable, WORKSPACE_COMMAND, WORKSPACE_IMAGE,
    WORKSPACE_IMAGES, WORKSPACE_PLATFORM_URL, error,
};

/// What runs managed workspaces.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Backend {
    /// Nothing: whoever runs the agents starts them.
    #[default]
    None,
    /// Children of the platform's own process.
    Process,
    /// The Docker Engine.
    Docker,
    /// ECS.
    Ecs,
}

impl Backend {
    /// Managed workspaces are started by the platform.
    pub const fn runs_workspaces(self) -> bool {
        !matches!(self, Self::None)
    }
}

/// The settings, read once.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// What runs managed workspaces.
    pub backend: Backend,
    /// The URL of the API as started agents reach it, if it was set.
    pub platform_url: Option<String>,
    /// The command of a turn, if it was set.
    pub command: Option<String>,
    /// Tiers 3 and 4 may have rights over their host.
    pub allow_privileged_tiers: bool,
    /// When restarts follow.
    pub restart: Limits,
    /// A restart is told to its agent.
    pub restart_context: bool,
    /// Where tasks run, with [`Backend::Ecs`].
    pub ecs: Option<EcsSettings>,
    image: String,
    images: BTreeMap<String, String>,
    tiers: [TierLimits; 4],
    provision_timeout: Option<Duration>,
    provision_timeouts: BTreeMap<String, Duration>,
}

/// How long a start may take where nothing was set.
const PROVISION_TIMEOUT: Duration = Duration::from_secs(600);

impl EngineSettings {
    pub(super) fn read(read: &Reader<'_>) -> Result<Self, ConfigError> {
        let backend = match read.one_of(&PROVISIONER, &["none", "process", "docker", "ecs"])? {
            "process" => Backend::Process,
            "docker" => Backend::Docker,
            "ecs" => Backend::Ecs,
            _ => Backend::None,
        };
        let provision_timeouts = pairs(read, &PROVISION_TIMEOUTS)?
            .into_iter()
            .map(|(runtime, seconds)| {
                let seconds = seconds.parse().ok().filter(|seconds| (1..=86_400).contains(seconds));
                let seconds = seconds.ok_or_else(|| error(&PROVISION_TIMEOUTS, "takes seconds from 1 to 86400"))?;
                Ok((runtime, Duration::from_secs(seconds)))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            backend,
            platform_url: read.optional(&WORKSPACE_PLATFORM_URL).map(|url| url.trim_end_matches('/').to_owned()),
            command: read.optional(&WORKSPACE_COMMAND),
            allow_privileged_tiers: read.one_of(&ALLOW_PRIVILEGED_TIERS, &["0", "1"])? == "1",
            restart: Limits {
                silence: read.seconds(&RESTART_SILENCE_SECONDS, 0.0, 86_400.0)?,
                backoff: read.seconds(&RESTART_BACKOFF_SECONDS, 0.0, 300.0)?,
                debounce: read.seconds(&RESTART_DEBOUNCE_SECONDS, 0.0, 3_600.0)?,
                attempts: u32::try_from(read.count(&MAX_RESTART_ATTEMPTS, 0, 1_000)?).unwrap_or(5),
                stable_after: read.seconds(&STABLE_AFTER_SECONDS, 0.0, 86_400.0)?,
            },
            restart_context: read.one_of(&RESTART_CONTEXT, &["0", "1"])? == "1",
            ecs: (backend == Backend::Ecs).then(|| EcsSettings::read(read)).transpose()?,
            image: read.text(&WORKSPACE_IMAGE),
            images: pairs(read, &WORKSPACE_IMAGES)?.into_iter().collect(),
            tiers: Tier::ALL.map(|tier| limits(tier, |name| read.0.get(name).cloned())),
            provision_timeout: read
                .optional(&PROVISION_TIMEOUT_SECONDS)
                // The template always sets it: its default leaves each runtime its own.
                .filter(|seconds| seconds != PROVISION_TIMEOUT_SECONDS.default)
                .map(|_| read.seconds(&PROVISION_TIMEOUT_SECONDS, 1.0, 86_400.0))
                .transpose()?,
            provision_timeouts,
        })
    }

    /// The image of a runtime.
    pub fn image(&self, runtime: &str) -> &str {
        self.images.get(runtime).unwrap_or(&self.image)
    }

    /// What a tier gives.
    pub fn limits(&self, tier: Tier) -> TierLimits {
        self.tiers[usize::from(tier.number()) - 1]
    }

    /// How long a start of a runtime may take. One that was set for all goes before those by runtime.
    pub fn provision_timeout(&self, runtime: &str) -> Duration {
        let by_runtime = || self.provision_timeouts.get(runtime).copied();
        self.provision_timeout.or_else(by_runtime).unwrap_or(PROVISION_TIMEOUT)
    }
}

/// `name=value,…` of a variable.
fn pairs(read: &Reader<'_>, variable: &Variable) -> Result<Vec<(String, String)>, ConfigError> {
    read.list(variable)
        .iter()
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or_default();
            let (name, value) = (name.trim().to_owned(), value.trim().to_owned());
            if name.is_empty() || value.is_empty() {
                return Err(error(variable, "must be a list such as name=value,other=value"));
            }
            Ok((name, value))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::vars;
    use super::super::{Config, ConfigError};
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> Result<EngineSettings, ConfigError> {
        let mut all = vec![("MOLECULE_ENV", "development")];
        all.extend(pairs);
        Config::from_map(&vars(&all)).map(|config| config.engine)
    }

    #[test]
    fn a_runtime_has_its_own_image_and_time() {
        let set = settings(&[("WORKSPACE_IMAGES", "crewai=example/crew:2, other = o:1")]).unwrap();
        assert_eq!(set.image("crewai"), "example/crew:2");
        assert_eq!(set.image("langgraph"), "molecule-workspace:latest");
        assert_eq!(set.provision_timeout("hermes"), Duration::from_secs(1800));
        assert_eq!(set.provision_timeout("langgraph"), Duration::from_secs(600));
        let set = settings(&[("PROVISION_TIMEOUT_SECONDS", "20")]).unwrap();
        assert_eq!(set.provision_timeout("hermes"), Duration::from_secs(20), "one that is set overrides all");
    }

    #[test]
    fn tiers_take_their_variables() {
        let set = settings(&[("TIER2_MEMORY_MB", "64"), ("TIER4_CPU_SHARES", "nonsense")]).unwrap();
        assert_eq!(set.limits(Tier::Standard), TierLimits { memory_mb: 64, cpu_shares: 1024 });
        assert_eq!(set.limits(Tier::FullHost), Tier::FullHost.default_limits());
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (name, value) in [
            ("PROVISIONER", "podman"),
            ("WORKSPACE_IMAGES", "crewai"),
            ("WORKSPACE_IMAGES", "=x"),
            ("PROVISION_TIMEOUTS", "hermes=soon"),
            ("PROVISION_TIMEOUTS", "hermes=0"),
            ("PROVISION_TIMEOUT_SECONDS", "0"),
            ("ALLOW_PRIVILEGED_TIERS", "yes"),
        ] {
            assert_eq!(settings(&[(name, value)]).unwrap_err().name, name, "{value}");
        }
    }
}
