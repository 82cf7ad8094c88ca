//! Finding and stopping tasks: pages of their ARNs, and what stands behind these.

use aws_sdk_ecs::error::ProvideErrorMetadata;
use aws_sdk_ecs::types::{self, DesiredStatus, TaskField};
use rules::WorkspaceId;
use rules::ecs::{Attachment, Container, ContainerOverride, Overrides, Tag, Task, Variable};

use super::failure::engine_error;
use super::{EcsEngine, EngineError};

/// The most that one DescribeTasks takes.
const MOST: usize = 100;

impl EcsEngine {
    /// A workspace's tasks, running and lately stopped.
    pub(super) async fn tasks_of(&self, id: WorkspaceId) -> Result<Vec<Task>, EngineError> {
        self.describe(self.arns(Some(&id.to_string())).await?).await
    }

    /// Every task of the cluster, running and lately stopped.
    pub(super) async fn all_tasks(&self) -> Result<Vec<Task>, EngineError> {
        self.describe(self.arns(None).await?).await
    }

    async fn arns(&self, started_by: Option<&str>) -> Result<Vec<String>, EngineError> {
        let mut arns = Vec::new();
        for wanted in [DesiredStatus::Running, DesiredStatus::Stopped] {
            let list =
                self.ecs.list_tasks().cluster(&self.settings.cluster).set_started_by(started_by.map(str::to_owned));
            let mut pages = list.desired_status(wanted).into_paginator().items().send();
            while let Some(arn) = pages.next().await {
                arns.push(arn.map_err(|error| engine_error(&error))?);
            }
        }
        // One that stopped between the two questions is in both answers.
        arns.sort_unstable();
        arns.dedup();
        Ok(arns)
    }

    async fn describe(&self, arns: Vec<String>) -> Result<Vec<Task>, EngineError> {
        let mut tasks = Vec::with_capacity(arns.len());
        for some in arns.chunks(MOST) {
            let described = self.ecs.describe_tasks().cluster(&self.settings.cluster).set_tasks(Some(some.to_vec()));
            let described = described.include(TaskField::Tags).send().await.map_err(|error| engine_error(&error))?;
            // Its failures are tasks that ECS forgot since they were listed.
            tasks.extend(described.tasks.unwrap_or_default().into_iter().map(plain));
        }
        Ok(tasks)
    }

    /// Stops a task; one that is not there counts as stopped.
    pub(super) async fn stop_task(&self, arn: &str, reason: &str) -> Result<(), EngineError> {
        let stop = self.ecs.stop_task().cluster(&self.settings.cluster).task(arn).reason(reason);
        match stop.send().await {
            Ok(_) => Ok(()),
            // ECS has no code of its own for this.
            Err(error) if error.message().is_some_and(|text| text.contains("task was not found")) => Ok(()),
            Err(error) => Err(engine_error(&error)),
        }
    }
}

/// The SDK's task as the rules read it.
pub(super) fn plain(task: types::Task) -> Task {
    let overrides = task.overrides.and_then(|overrides| overrides.container_overrides).unwrap_or_default();
    Task {
        task_arn: task.task_arn.unwrap_or_default(),
        last_status: task.last_status.unwrap_or_default(),
        desired_status: task.desired_status.unwrap_or_default(),
        stop_code: task.stop_code.map(|code| code.as_str().to_owned()),
        stopped_reason: task.stopped_reason,
        started_by: task.started_by,
        overrides: Overrides {
            container_overrides: overrides
                .into_iter()
                .map(|container| ContainerOverride { environment: variables(container.environment) })
                .collect(),
        },
        containers: task
            .containers
            .unwrap_or_default()
            .into_iter()
            .map(|container| Container {
                name: container.name.unwrap_or_default(),
                exit_code: container.exit_code,
                reason: container.reason,
            })
            .collect(),
        attachments: task
            .attachments
            .unwrap_or_default()
            .into_iter()
            .map(|attachment| Attachment { details: variables(attachment.details) })
            .collect(),
        tags: task
            .tags
            .unwrap_or_default()
            .into_iter()
            .map(|tag| Tag { key: tag.key.unwrap_or_default(), value: tag.value.unwrap_or_default() })
            .collect(),
    }
}

fn variables(pairs: Option<Vec<types::KeyValuePair>>) -> Vec<Variable> {
    let pairs = pairs.unwrap_or_default().into_iter();
    pairs.map(|pair| Variable { name: pair.name.unwrap_or_default(), value: pair.value.unwrap_or_default() }).collect()
}
