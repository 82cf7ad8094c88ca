//! Task definitions: one per image, size and isolation. Its name is a digest of what it holds, so that any number of
//! starts register it once. It holds nothing of one workspace, and no secret.

use aws_sdk_ecs::types::{
    Compatibility, ContainerDefinition, LogConfiguration, LogDriver, MountPoint, NetworkMode, PidMode, PortMapping,
    TaskDefinitionStatus, Volume,
};
use rules::engine::{StartCause, StartFailure};
use rules::tier::{Tier, fargate_size};

use super::failure::start_failure;
use super::logs::STREAM_PREFIX;
use super::{EcsEngine, Launch};
use crate::config::EcsLaunch;
use crate::entropy::digest;

/// What a definition is made from.
#[derive(Debug)]
pub(super) struct Definition {
    image: String,
    cpu: u32,
    memory_mb: u32,
    fargate: bool,
    read_only: bool,
    privileged: bool,
}

fn refused(cause: StartCause, evidence: impl Into<String>) -> StartFailure {
    StartFailure { cause, evidence: evidence.into() }
}

impl EcsEngine {
    /// What a launch needs, or why ECS cannot give it.
    pub(super) fn definition(&self, launch: &Launch) -> Result<Definition, StartFailure> {
        if launch.workspace_dir.is_some() {
            let text =
                "workspace_dir names a directory of a host, and a task has none; clear it, or use PROVISIONER=docker";
            return Err(refused(StartCause::Refused, text));
        }
        if launch.platform_url.is_empty() {
            let text = "a task would not know where the platform is; set WORKSPACE_PLATFORM_URL to the API's URL";
            return Err(refused(StartCause::Refused, text));
        }
        let fargate = self.settings.launch == EcsLaunch::Fargate;
        let (tier, limits) = (launch.tier, launch.limits);
        let (cpu, memory_mb) = if fargate {
            fargate_size(tier, limits).map_err(|refusal| refused(StartCause::TierRefused, refusal.to_string()))?
        } else {
            (limits.cpu_shares, limits.memory_mb)
        };
        if tier.has_host_rights() && !self.scope.allow_privileged_tiers {
            let text = format!("tier {tier} is privileged; use tier 1 or 2, or set ALLOW_PRIVILEGED_TIERS=1");
            return Err(refused(StartCause::TierRefused, text));
        }
        Ok(Definition {
            image: launch.image.clone(),
            cpu,
            memory_mb,
            fargate,
            read_only: tier == Tier::Sandboxed,
            privileged: tier.has_host_rights(),
        })
    }

    /// The ARN of the registered definition; registers it when there is none.
    pub(super) async fn ensure(&self, definition: &Definition) -> Result<String, StartFailure> {
        let family = self.family(definition);
        match self.ecs.describe_task_definition().task_definition(&family).send().await {
            Ok(found) => {
                let found = found.task_definition.filter(|found| found.status == Some(TaskDefinitionStatus::Active));
                if let Some(arn) = found.and_then(|found| found.task_definition_arn) {
                    return Ok(arn);
                }
            }
            // ECS says so of one that is not there, and has no code of its own for it.
            Err(error) if error.as_service_error().is_some_and(|error| error.is_client_exception()) => {}
            Err(error) => return Err(start_failure(&error)),
        }
        self.register(family, definition).await
    }

    fn family(&self, definition: &Definition) -> String {
        let settings = &self.settings;
        let roles = (&settings.execution_role_arn, &settings.task_role_arn);
        let logs = (&settings.log_group, &self.scope.region);
        let digest = digest(&format!("1 {definition:?} {roles:?} {logs:?}"));
        format!("{}-workspace-{}", self.scope.stack, &digest[..16])
    }

    async fn register(&self, family: String, definition: &Definition) -> Result<String, StartFailure> {
        let settings = &self.settings;
        let register = self
            .ecs
            .register_task_definition()
            .family(family)
            .network_mode(NetworkMode::Awsvpc)
            .requires_compatibilities(if definition.fargate { Compatibility::Fargate } else { Compatibility::Ec2 })
            .cpu(definition.cpu.to_string())
            .memory(definition.memory_mb.to_string())
            .set_execution_role_arn(settings.execution_role_arn.clone())
            .set_task_role_arn(settings.task_role_arn.clone())
            .set_pid_mode(definition.privileged.then_some(PidMode::Host))
            .set_volumes(definition.read_only.then(|| vec![Volume::builder().name("tmp").build()]))
            .tags(super::run::tag(rules::ecs::STACK_TAG, &self.scope.stack))
            .container_definitions(self.container(definition));
        let registered = register.send().await.map_err(|error| start_failure(&error))?;
        registered
            .task_definition
            .and_then(|registered| registered.task_definition_arn)
            .ok_or_else(|| refused(StartCause::Refused, "ECS registered a definition and did not name it"))
    }

    fn container(&self, definition: &Definition) -> ContainerDefinition {
        let mut container = ContainerDefinition::builder()
            .name(rules::ecs::CONTAINER)
            .image(&definition.image)
            .essential(true)
            .port_mappings(PortMapping::builder().container_port(i32::from(rules::ecs::PORT)).build())
            .set_log_configuration(self.log_configuration());
        if definition.privileged {
            container = container.privileged(true);
        }
        if definition.read_only {
            let tmp = MountPoint::builder().source_volume("tmp").container_path("/tmp").build();
            container = container.readonly_root_filesystem(true).mount_points(tmp);
        }
        container.build()
    }

    fn log_configuration(&self) -> Option<LogConfiguration> {
        LogConfiguration::builder()
            .log_driver(LogDriver::Awslogs)
            .options("awslogs-group", &self.settings.log_group)
            .options("awslogs-region", &self.scope.region)
            .options("awslogs-stream-prefix", STREAM_PREFIX)
            .build()
            .ok()
    }
}
