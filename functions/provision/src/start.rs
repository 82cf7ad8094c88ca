//! Starting a generation that is not started yet.

use std::time::Duration;

use platform::config::Secret;
use platform::decide::{Fault, decide};
use platform::provisioner::{Launch, Started, Stop, boot_secret};
use platform::{Platform, Result};
use rules::engine::{StartCause, StartFailure};
use rules::workspace::Workspace;
use rules::{Status, start as starts};

/// A start that may succeed later is tried again within this.
const TRY_AGAIN: Duration = Duration::from_secs(5);

/// Stops what is older, starts the generation, and notes where it is reached. Doing it again finds it done.
pub(crate) async fn start(platform: &Platform, workspace: &Workspace) -> Result<()> {
    let what = if workspace.start.reset { Stop::AndReset } else { Stop::OlderThan(workspace.generation) };
    let stopped = platform.provisioner.stop(workspace.id, what).await;
    let started = match stopped {
        Ok(()) => platform.provisioner.start(&launch(platform, workspace)).await,
        Err(error) => Err(StartFailure { cause: StartCause::EngineUnreachable, evidence: error.to_string() }),
    };
    match started {
        Ok(started) => {
            let noted = decide(|| note(platform, workspace, &started)).await?;
            match noted {
                true => platform.wake_drain(workspace.id).await,
                // It was paused, deleted or begun anew meanwhile: whoever did that has sent a job, which stops this one.
                false => tracing::info!(workspace = %workspace.id, "started, and no longer wanted"),
            }
        }
        Err(failure) => {
            tracing::warn!(
                workspace = %workspace.id, generation = workspace.generation, cause = ?failure.cause,
                evidence = failure.evidence, "not started"
            );
            decide(|| refuse(platform, workspace, &failure)).await?;
            if failure.cause.is_passing() {
                platform.reconcile_again(workspace.id, TRY_AGAIN).await;
            }
        }
    }
    Ok(())
}

fn launch(platform: &Platform, workspace: &Workspace) -> Launch {
    let settings = &platform.config.engine;
    Launch {
        workspace_id: workspace.id,
        generation: workspace.generation,
        runtime: workspace.runtime.clone(),
        tier: workspace.tier,
        limits: settings.limits(workspace.tier),
        image: settings.image(&workspace.runtime).to_owned(),
        command: workspace.command.clone().or_else(|| settings.command.clone()),
        max_concurrent_tasks: workspace.max_concurrent_tasks,
        boot_credential: Secret(boot_secret(workspace)),
        platform_url: settings
            .platform_url
            .clone()
            .or_else(|| platform.config.external_platform_url.clone())
            .unwrap_or_default(),
        workspace_dir: workspace.workspace_dir.clone(),
        workspace_access: workspace.workspace_access,
    }
}

/// The start is done; false if it is no longer the one that is wanted.
async fn note(platform: &Platform, begun: &Workspace, started: &Started) -> Result<bool, Fault> {
    let Some(mut after) = platform.store.workspace(begun.id).await? else { return Ok(false) };
    let wanted = matches!(after.status, Status::Provisioning | Status::Offline) || after.status.is_live();
    if after.generation != begun.generation || !wanted {
        return Ok(false);
    }
    after.start.launched = true;
    after.start.reset = false;
    after.start.instance = Some(started.instance.clone());
    if let Some(url) = &started.url {
        after.url = Some(url.clone());
    }
    if after.status == Status::Provisioning {
        after.status_reasons.clear();
    }
    after.version += 1;
    after.updated_at = platform.now();
    platform.store.transaction().put_workspace(&after).commit().await?;
    Ok(true)
}

async fn refuse(platform: &Platform, begun: &Workspace, failure: &StartFailure) -> Result<(), Fault> {
    let Some(workspace) = platform.store.workspace(begun.id).await? else { return Ok(()) };
    if workspace.generation != begun.generation {
        return Ok(());
    }
    let Some((after, event)) = starts::not_started(&workspace, failure, platform.now()) else { return Ok(()) };
    let mut transaction = platform.store.transaction().put_workspace(&after);
    if after.status == Status::Failed {
        transaction = transaction.provisioned(after.id);
    }
    Ok(platform.tell(transaction, &after, event).commit().await?)
}
