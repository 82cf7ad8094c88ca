//! All that the engine runs held against all records, both ways: orphans and zombies are stopped, deaths that nobody told
//! are noted. One bad record or container never stops the survey for the others.

use std::collections::{HashMap, HashSet};

use platform::config::Backend;
use platform::provisioner::{Instance, Running, Stop};
use platform::store::{Many, Tick};
use platform::{Platform, Result};
use rules::workspace::Workspace;
use rules::{Status, WorkspaceId};

/// The name of the survey in `/admin/liveness`.
const NAME: &str = "orphan-sweeper";

/// Surveys, once. An engine that does not answer is asked again by the next survey, and nobody is taken for dead.
pub(crate) async fn survey(platform: &Platform) -> Result<()> {
    let instances = match platform.provisioner.list().await {
        Ok(instances) => instances,
        Err(error) => {
            tracing::warn!(%error, "no survey; nobody is taken for dead");
            return Ok(());
        }
    };
    let mut ids: Vec<WorkspaceId> = instances.iter().map(|instance| instance.workspace_id).collect();
    ids.extend(platform.store.workspaces(&platform.config.org).await?);
    ids.sort_unstable();
    ids.dedup();
    let Many { found, unreadable } = platform.store.look_many(&ids).await?;
    let records: HashMap<_, _> = found.into_iter().map(|(record, _)| (record.id, record)).collect();
    let mut current = HashSet::new();
    // Of what cannot be read nobody knows whether it is to run.
    for instance in instances.iter().filter(|instance| !unreadable.contains(&instance.workspace_id)) {
        let record = records.get(&instance.workspace_id);
        if record.is_some_and(|record| record.generation == instance.generation) {
            current.insert(instance.workspace_id);
        }
        if let Err(problem) = look_at(platform, instance, record).await {
            tracing::error!(workspace = %instance.workspace_id, code = problem.code, "instance not surveyed");
        }
    }
    let missing = |record: &&Workspace| platform.runs(record) && should_run(record) && !current.contains(&record.id);
    for record in records.values().filter(missing) {
        // The list may be older than the start: the engine is asked about this one.
        platform.reconcile_soon(record.id).await;
    }
    let tick = Tick { name: NAME.to_owned(), at: platform.now(), suspect: false };
    Ok(platform.store.tick(&tick).await?)
}

/// It was started, and nothing is known about its end.
fn should_run(record: &Workspace) -> bool {
    record.start.launched && (record.status == Status::Provisioning || record.status.is_live())
}

async fn look_at(platform: &Platform, instance: &Instance, record: Option<&Workspace>) -> Result<()> {
    let id = instance.workspace_id;
    let runs = matches!(instance.running, Running::Yes { .. });
    let Some(record) = record.filter(|record| record.status != Status::Removed && !record.is_external()) else {
        if !runs && platform.config.engine.backend == Backend::Ecs {
            // A task that ended leaves nothing, and ECS goes on listing it for an hour.
            return Ok(());
        }
        tracing::warn!(workspace = %id, instance = instance.instance, "an orphan: it is removed");
        return stop(platform, id, Stop::AndRemove).await;
    };
    if instance.generation < record.generation {
        return if runs { stop(platform, id, Stop::OlderThan(record.generation)).await } else { Ok(()) };
    }
    if instance.generation > record.generation {
        return Ok(());
    }
    if record.status.is_stopped() {
        if runs {
            platform.reconcile_soon(id).await;
        }
        return Ok(());
    }
    platform.engine_says(id, instance.generation, &instance.running).await?;
    Ok(())
}

async fn stop(platform: &Platform, id: WorkspaceId, what: Stop) -> Result<()> {
    if let Err(error) = platform.provisioner.stop(id, what).await {
        tracing::warn!(workspace = %id, %error, "not stopped; the next survey tries again");
    }
    Ok(())
}
