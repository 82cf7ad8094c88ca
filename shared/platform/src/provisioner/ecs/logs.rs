//! What a task wrote, from CloudWatch Logs.

use rules::WorkspaceId;

use super::failure::engine_error;
use super::{EcsEngine, EngineError};

/// What the log driver puts before the container's name and the task's id.
pub(super) const STREAM_PREFIX: &str = "workspace";
/// The most that one GetLogEvents gives.
const MOST: usize = 10_000;

impl EcsEngine {
    /// The last lines of a workspace's newest task; none when ECS knows none any more.
    pub(super) async fn newest_log(&self, id: WorkspaceId, tail: usize) -> Result<String, EngineError> {
        let tasks = self.tasks_of(id).await?;
        let newest = tasks.iter().filter_map(rules::ecs::Task::seen).max_by_key(|seen| seen.generation);
        match newest {
            Some(seen) => self.log_of(&seen.instance, tail).await,
            None => Ok(String::new()),
        }
    }

    /// The last lines of a task.
    pub(super) async fn log_of(&self, arn: &str, tail: usize) -> Result<String, EngineError> {
        let Some(limit) = i32::try_from(tail.min(MOST)).ok().filter(|limit| *limit > 0) else {
            return Ok(String::new());
        };
        let task = arn.rsplit('/').next().unwrap_or(arn);
        let stream = format!("{STREAM_PREFIX}/{}/{task}", rules::ecs::CONTAINER);
        let read = self.logs.get_log_events().log_group_name(&self.settings.log_group).log_stream_name(stream);
        let events = match read.limit(limit).start_from_head(false).send().await {
            Ok(read) => read.events.unwrap_or_default(),
            // It wrote nothing yet.
            Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_not_found_exception()) => {
                Vec::new()
            }
            Err(error) => return Err(engine_error(&error)),
        };
        let lines: Vec<String> = events.into_iter().filter_map(|event| event.message).collect();
        Ok(lines.join("\n"))
    }
}
