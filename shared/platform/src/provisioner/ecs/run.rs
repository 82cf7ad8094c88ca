//! Starting a task.

use aws_sdk_ecs::operation::run_task::RunTaskError;
use aws_sdk_ecs::operation::run_task::builders::RunTaskFluentBuilder;
use aws_sdk_ecs::types::{
    AssignPublicIp, AwsVpcConfiguration, CapacityProviderStrategyItem, ContainerOverride, KeyValuePair, LaunchType,
    NetworkConfiguration, Tag, TaskOverride,
};
use rules::WorkspaceId;
use rules::ecs::{GENERATION_TAG, GENERATION_VARIABLE, PORT, STACK_TAG, Seen, State, WORKSPACE_TAG};
use rules::engine::{StartCause, StartFailure};

use super::failure::start_failure;
use super::{EcsEngine, EngineError, Launch, Started};
use crate::config::EcsLaunch;
use crate::entropy::digest;

pub(super) fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
}

impl EcsEngine {
    /// Starts a launch's task, or finds it started.
    pub(super) async fn run(&self, launch: &Launch) -> Result<Started, StartFailure> {
        self.start_once(launch).await.map_err(|failure| without_secret(failure, launch))
    }

    async fn start_once(&self, launch: &Launch) -> Result<Started, StartFailure> {
        let definition = self.definition(launch)?;
        if let Some(started) = self.found(launch.workspace_id, launch.generation).await? {
            return Ok(started);
        }
        let definition = self.ensure(&definition).await?;
        let answer = match self.request(launch, definition)?.send().await {
            Ok(answer) => answer,
            Err(error) => {
                // The token of this generation was used: its task is there, and the lists do not show it yet.
                if let Some(RunTaskError::ConflictException(conflict)) = error.as_service_error()
                    && let Some(arn) = conflict.resource_ids().first()
                {
                    return Ok(Started { instance: arn.clone(), url: None });
                }
                return Err(start_failure(&error));
            }
        };
        if let Some(arn) = answer.tasks().first().and_then(|task| task.task_arn()) {
            return Ok(Started { instance: arn.to_owned(), url: None });
        }
        let failure = answer.failures().first();
        let reason = failure.and_then(|failure| failure.reason()).unwrap_or("ECS started no task and says not why");
        Err(rules::ecs::run_failure(reason, failure.and_then(|failure| failure.detail()).unwrap_or_default()))
    }

    async fn found(&self, id: WorkspaceId, generation: u64) -> Result<Option<Started>, StartFailure> {
        let tasks = self.tasks_of(id).await.map_err(|error| match error {
            EngineError::Unreachable(evidence) => StartFailure { cause: StartCause::EngineUnreachable, evidence },
            EngineError::Refused(evidence) => StartFailure { cause: StartCause::Refused, evidence },
        })?;
        let wanted = tasks.iter().filter(|task| task.is_wanted()).filter_map(rules::ecs::Task::seen);
        Ok(wanted.into_iter().find(|seen| seen.generation == generation).map(|Seen { instance, state, .. }| {
            let url = if let State::Running { url } = state { url } else { None };
            Started { instance, url }
        }))
    }

    fn request(&self, launch: &Launch, definition: String) -> Result<RunTaskFluentBuilder, StartFailure> {
        let (settings, id) = (&self.settings, launch.workspace_id.to_string());
        let generation = launch.generation.to_string();
        let network = AwsVpcConfiguration::builder()
            .set_subnets(Some(settings.subnets.clone()))
            .set_security_groups(Some(settings.security_groups.clone()))
            .assign_public_ip(if settings.assign_public_ip {
                AssignPublicIp::Enabled
            } else {
                AssignPublicIp::Disabled
            })
            .build()
            .map_err(|_| bad_setting("set ECS_SUBNETS to the subnets of the tasks"))?;
        let request = self
            .ecs
            .run_task()
            .cluster(&settings.cluster)
            .task_definition(definition)
            .count(1)
            .client_token(digest(&format!("{}\0{id}\0{generation}", self.scope.stack)))
            .started_by(&id)
            .enable_ecs_managed_tags(true)
            .tags(tag(STACK_TAG, &self.scope.stack))
            .tags(tag(WORKSPACE_TAG, &id))
            .tags(tag(GENERATION_TAG, &generation))
            .network_configuration(NetworkConfiguration::builder().awsvpc_configuration(network).build())
            .overrides(overrides(launch));
        match &settings.launch {
            EcsLaunch::Fargate => Ok(request.launch_type(LaunchType::Fargate)),
            EcsLaunch::CapacityProvider(name) => {
                let provider = CapacityProviderStrategyItem::builder().capacity_provider(name).weight(1).build();
                let provider = provider.map_err(|_| bad_setting("set ECS_LAUNCH to a capacity provider"))?;
                Ok(request.capacity_provider_strategy(provider))
            }
        }
    }
}

/// The runtime must know a URL and cannot know its address before it runs: it is told a name, and the platform takes the
/// address from the task's state.
fn overrides(launch: &Launch) -> TaskOverride {
    let id = launch.workspace_id.to_string();
    let url = format!("http://ws-{}:{PORT}", id.chars().filter(|c| *c != '-').take(12).collect::<String>());
    let own = [
        (GENERATION_VARIABLE, launch.generation.to_string()),
        ("WORKSPACE_LISTEN", "0.0.0.0".to_owned()),
        ("WORKSPACE_PORT", PORT.to_string()),
        ("MOLECULE_WORKSPACE_URL", url),
    ];
    let variables = launch.environment(None).into_iter().chain(own);
    let variables = variables.map(|(name, value)| KeyValuePair::builder().name(name).value(value).build()).collect();
    let container = ContainerOverride::builder().name(rules::ecs::CONTAINER).set_environment(Some(variables)).build();
    TaskOverride::builder().container_overrides(container).build()
}

fn bad_setting(evidence: &str) -> StartFailure {
    StartFailure { cause: StartCause::Refused, evidence: evidence.to_owned() }
}

/// ECS repeats in some refusals what it was sent.
fn without_secret(failure: StartFailure, launch: &Launch) -> StartFailure {
    let secret = launch.boot_credential.0.as_str();
    if secret.is_empty() {
        return failure;
    }
    StartFailure { evidence: failure.evidence.replace(secret, "(secret)"), ..failure }
}
