//! Runtimes as tasks of ECS: on Fargate, or on EC2 through a capacity provider.
//!
//! A task is found by `startedBy`, which is its workspace's id, so that no question about one workspace reads the list of
//! all. Its generation stands in its overrides and its tags. ECS restarts nothing here: these are tasks, not services.
//!
//! ECS shows a new task in its lists only after a while and forgets a stopped one after an hour. So a task that is not
//! listed is neither alive nor dead for certain: [`Provisioner::is_running`] is then an error, as of an engine that does not
//! know, unless a newer generation is listed, before whose start the older one was stopped.

mod define;
mod failure;
mod find;
mod logs;
mod run;

use std::sync::Arc;

use aws_sdk_cloudwatchlogs::Client as Logs;
use aws_sdk_ecs::Client as Ecs;
use futures::future::BoxFuture;
use rules::WorkspaceId;
use rules::ecs::{Seen, State};
use rules::engine::{Exit, StartFailure};

use super::{EngineError, Instance, Launch, Provisioner, Running, Started, Stop};
use crate::config::EcsSettings;

/// Lines of a dead runtime's log that its end is told with.
const LAST_LINES: usize = 20;

/// Which platform the tasks belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The name of the stack: letters, digits, `-` and `_`. Tasks and definitions bear it.
    pub stack: String,
    /// The AWS region of the log group.
    pub region: String,
    /// Tiers 3 and 4 may be privileged.
    pub allow_privileged_tiers: bool,
}

/// The backend. Cheap to clone.
#[derive(Debug, Clone)]
pub struct EcsEngine {
    ecs: Ecs,
    logs: Logs,
    settings: Arc<EcsSettings>,
    scope: Arc<Scope>,
}

impl EcsEngine {
    /// From clients and settings; asks nothing yet.
    pub fn new(ecs: Ecs, logs: Logs, settings: EcsSettings, scope: Scope) -> Self {
        Self { ecs, logs, settings: Arc::new(settings), scope: Arc::new(scope) }
    }

    async fn stop_tasks(&self, id: WorkspaceId, what: Stop) -> Result<(), EngineError> {
        for task in self.tasks_of(id).await? {
            let older = task.seen().is_none_or(|seen| match what {
                Stop::OlderThan(generation) => seen.generation < generation,
                Stop::All | Stop::AndRemove | Stop::AndReset => true,
            });
            if older && task.is_wanted() {
                self.stop_task(&task.task_arn, "stopped by the platform").await?;
            }
        }
        Ok(())
    }

    async fn look(&self, id: WorkspaceId, generation: u64) -> Result<Running, EngineError> {
        let seen: Vec<Seen> = self.tasks_of(id).await?.iter().filter_map(rules::ecs::Task::seen).collect();
        let own = || seen.iter().filter(|seen| seen.generation == generation);
        if let Some(alive) = own().find(|seen| !matches!(seen.state, State::Gone(_))) {
            return Ok(running(&alive.state));
        }
        if let Some(Seen { instance, state: State::Gone(exit), .. }) = own().next() {
            // The end is certain; that its log cannot be read does not change it.
            let log_tail = self.log_of(instance, LAST_LINES).await.unwrap_or_default();
            return Ok(Running::No(Exit { log_tail, ..exit.clone() }));
        }
        if seen.iter().any(|seen| seen.generation > generation) {
            let message = "a newer generation was started".to_owned();
            return Ok(Running::No(Exit { message, ..Exit::default() }));
        }
        Err(EngineError::Refused("ECS lists no such task: not yet, or not any more".to_owned()))
    }

    async fn everything(&self) -> Result<Vec<Instance>, EngineError> {
        let tasks = self.all_tasks().await?;
        let ours = tasks.iter().filter(|task| task.tag(rules::ecs::STACK_TAG) == Some(self.scope.stack.as_str()));
        Ok(ours
            .filter_map(rules::ecs::Task::seen)
            .map(|seen| Instance {
                running: running(&seen.state),
                instance: seen.instance,
                workspace_id: seen.workspace_id,
                generation: seen.generation,
            })
            .collect())
    }
}

fn running(state: &State) -> Running {
    match state {
        State::Running { url } => Running::Yes { url: url.clone() },
        State::Between => Running::Yes { url: None },
        State::Gone(exit) => Running::No(exit.clone()),
    }
}

impl Provisioner for EcsEngine {
    fn start<'a>(&'a self, launch: &'a Launch) -> BoxFuture<'a, Result<Started, StartFailure>> {
        Box::pin(self.run(launch))
    }

    fn stop<'a>(&'a self, id: WorkspaceId, what: Stop) -> BoxFuture<'a, Result<(), EngineError>> {
        Box::pin(self.stop_tasks(id, what))
    }

    fn is_running<'a>(&'a self, id: WorkspaceId, generation: u64) -> BoxFuture<'a, Result<Running, EngineError>> {
        Box::pin(self.look(id, generation))
    }

    fn logs<'a>(&'a self, id: WorkspaceId, tail: usize) -> BoxFuture<'a, Result<String, EngineError>> {
        Box::pin(self.newest_log(id, tail))
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<Instance>, EngineError>> {
        Box::pin(self.everything())
    }
}
