//! Asking the engine about a runtime. Only what it says for certain counts: an engine that does not answer kills nobody.

use std::time::Duration;

use platform::provisioner::{EngineError, Running};
use platform::{Platform, Result};
use rules::start::is_outdated;
use rules::workspace::Workspace;

use crate::reconcile::settled;

/// The engine is asked again within this when it did not answer.
const ASK_AGAIN: Duration = Duration::from_secs(30);

/// A runtime that was started: does it run? What it says is noted, dead or alive.
pub(crate) async fn check(platform: &Platform, workspace: &Workspace) -> Result<()> {
    match platform.provisioner.is_running(workspace.id, workspace.generation).await {
        Ok(said) => {
            let news = platform.engine_says(workspace.id, workspace.generation, &said).await?;
            if !news && said_alive(&said) && workspace.status.is_live() && !is_outdated(workspace) {
                settled(platform, workspace).await?;
            }
        }
        Err(error) => {
            tracing::warn!(workspace = %workspace.id, %error, "nobody knows whether it runs; taken for alive")
        }
    }
    Ok(())
}

/// An agent whose lease ran out: dead, or only silent? Dead is restarted at once, silent when it stays so for long.
pub(crate) async fn silent(platform: &Platform, workspace: &Workspace) -> Result<()> {
    let id = workspace.id;
    let said = match platform.provisioner.is_running(id, workspace.generation).await {
        Ok(said) => Some(said),
        // As ECS does of a task that ended an hour ago: it may run or not, its agent is silent.
        Err(EngineError::Refused(why)) => {
            tracing::warn!(workspace = %id, why, "its engine does not know it; taken for silent");
            None
        }
        Err(error) => {
            tracing::warn!(workspace = %id, %error, "nobody knows whether it runs; taken for alive");
            platform.reconcile_again(id, ASK_AGAIN).await;
            return Ok(());
        }
    };
    if let Some(said) = said.filter(|said| !said_alive(said)) {
        platform.engine_says(id, workspace.generation, &said).await?;
        return Ok(());
    }
    let silence = platform.restart_limits().silence;
    let silent_for = platform.now().since(workspace.status_since);
    if silent_for < silence {
        platform.reconcile_later(id, silence.saturating_sub(silent_for)).await;
        return Ok(());
    }
    platform.give_up_silent(id).await
}

const fn said_alive(said: &Running) -> bool {
    matches!(said, Running::Yes { .. })
}
