//! EventBridge, "ECS Task State Change": where a workspace's task runs, and that it runs no more. Events come doubled, late
//! and out of order; the record decides what they mean.

use platform::Platform;
use platform::provisioner::Running;
use rules::ecs::State;
use serde_json::Value;

/// Handles an event. It is never logged whole: the boot credential stands among the task's overrides. What fails is seen
/// again by the next survey.
pub async fn handle(platform: Platform, event: Value) {
    let Some(seen) = rules::ecs::event(&event) else { return };
    let said = match seen.state {
        State::Running { url } => Running::Yes { url },
        State::Gone(exit) => Running::No(exit),
        State::Between => return,
    };
    match platform.engine_says(seen.workspace_id, seen.generation, &said).await {
        Ok(news) => tracing::info!(workspace = %seen.workspace_id, generation = seen.generation, news, "task changed"),
        Err(problem) => tracing::error!(workspace = %seen.workspace_id, code = problem.code, "task change not noted"),
    }
}
