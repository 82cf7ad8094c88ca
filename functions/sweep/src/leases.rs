//! Leases that ran out: online and degraded workspaces become offline, with the event.

use platform::decide::Fault;
use platform::store::{LEASE_SHARDS, Look};
use platform::{Platform, Result};
use rules::event::{Event, EventType};
use rules::lease::Lease;
use rules::liveness::{heartbeat_lost, suspect_ourselves};
use rules::transition::{self, Trigger};
use rules::workspace::Workspace;
use serde_json::json;

/// Marks what ran out; true when so much ran out at once that the fault is likely the platform's, and nothing is marked.
pub(crate) async fn sweep(platform: &Platform) -> Result<bool> {
    let now = platform.now();
    let mut leases = Vec::new();
    for shard in 0..LEASE_SHARDS {
        leases.extend(platform.store.leases(shard).await?);
    }
    leases.retain(|lease| lease.status.is_live());
    let total = leases.len();
    leases.retain(|lease| !lease.is_live(now));
    if suspect_ourselves(total - leases.len(), leases.len()) {
        let before = platform.store.ticks().await?.into_iter().find(|tick| tick.name == "liveness-monitor");
        if !before.is_some_and(|tick| tick.suspect) {
            tracing::error!(expired = leases.len(), total, "most leases ran out at once: the platform is suspect, nothing marked");
            return Ok(true);
        }
    }
    for lease in leases {
        match expire(platform, &lease).await {
            Ok(()) | Err(Fault::Moved) => {}
            Err(Fault::Problem(problem)) => {
                tracing::error!(workspace = %lease.workspace_id, code = problem.code, "lease not swept");
            }
        }
    }
    Ok(false)
}

/// Conditional on the lease that was read: a heartbeat in between wins, and the next sweep looks again.
async fn expire(platform: &Platform, seen: &Lease) -> Result<(), Fault> {
    let now = platform.now();
    let snapshot = platform.store.look(seen.workspace_id, &Look::record()).await?;
    let Some(workspace) = snapshot.workspace else { return Ok(()) };
    let Ok(Some(status)) = transition::next(Some(workspace.status), Trigger::LeaseExpired) else {
        return Ok(());
    };
    let reason = heartbeat_lost(&workspace, Some(seen), seen.lease_until);
    let event = Event::new(
        EventType::WorkspaceOffline,
        json!({ "reason": reason.code, "since": reason.since.rfc3339(), "evidence": reason.evidence }),
    );
    let after = Workspace {
        status,
        status_since: seen.lease_until,
        status_reasons: vec![reason],
        last_beat: Some(seen.beat.clone()),
        monthly_spend: seen.monthly_spend,
        version: workspace.version + 1,
        updated_at: now,
        ..workspace
    };
    let transaction = platform.store.transaction().put_workspace(&after).end_lease(seen);
    Ok(platform.tell(transaction, &after, Some(event)).commit().await?)
}
