//! Stopping what a record does not want to run.

use std::time::Duration;

use platform::decide::{Fault, decide};
use platform::provisioner::{EngineError, Stop};
use platform::{Platform, Result};
use rules::event::{Event, EventType};
use rules::transition::{self, Trigger};
use rules::workspace::Workspace;
use serde_json::json;

use crate::reconcile::settled;

/// What could not be stopped is tried again within this; the minute sweep tries too.
const TRY_AGAIN: Duration = Duration::from_secs(5);

/// Stops it, and is done with it.
pub(crate) async fn stop(platform: &Platform, workspace: &Workspace, what: Stop) -> Result<()> {
    if let Err(error) = platform.provisioner.stop(workspace.id, what).await {
        return later(platform, workspace, &error).await;
    }
    settled(platform, workspace).await
}

async fn later(platform: &Platform, workspace: &Workspace, error: &EngineError) -> Result<()> {
    tracing::warn!(workspace = %workspace.id, %error, "not stopped; tried again");
    platform.reconcile_again(workspace.id, TRY_AGAIN).await;
    Ok(())
}

/// Stops an idle workspace and calls it hibernated (T24); if that fails, it is what it was (T25).
pub(crate) async fn hibernate(platform: &Platform, workspace: &Workspace) -> Result<()> {
    let stopped = platform.provisioner.stop(workspace.id, Stop::All).await;
    let trigger = match &stopped {
        Ok(()) => Trigger::HibernateStopped,
        Err(error) => {
            tracing::warn!(workspace = %workspace.id, %error, "not hibernated: it could not be stopped");
            Trigger::HibernateStopFailed { was_degraded: workspace.start.was_degraded }
        }
    };
    decide(|| settle(platform, workspace, trigger)).await?;
    if stopped.is_ok() {
        // A message may have come meanwhile: then it wakes again at once.
        platform.wake_drain(workspace.id).await;
    }
    Ok(())
}

async fn settle(platform: &Platform, seen: &Workspace, trigger: Trigger) -> Result<(), Fault> {
    let Some(workspace) = platform.store.workspace(seen.id).await? else { return Ok(()) };
    if workspace.generation != seen.generation {
        return Ok(());
    }
    let Ok(Some(status)) = transition::next(Some(workspace.status), trigger) else { return Ok(()) };
    let now = platform.now();
    let mut after = workspace.moved(status, Vec::new(), now);
    let mut transaction = platform.store.transaction();
    let event = if trigger == Trigger::HibernateStopped {
        after.url = None;
        transaction = transaction.delete_lease(after.id);
        Event::new(EventType::WorkspaceHibernated, json!({ "name": after.name, "tier": after.tier }))
    } else {
        let kind = if status.needs_reason() { EventType::WorkspaceDegraded } else { EventType::WorkspaceOnline };
        after.status_reasons = seen.status_reasons.clone();
        Event::new(kind, json!({ "recovered_from": seen.status, "reason": "it could not be stopped" }))
    };
    let transaction = transaction.put_workspace(&after).provisioned(after.id);
    Ok(platform.tell(transaction, &after, Some(event)).commit().await?)
}
