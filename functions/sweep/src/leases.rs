//! Leases that ran out: online and degraded workspaces become offline, with the event.

use std::time::Duration;

use platform::decide::Fault;
use platform::store::LEASE_SHARDS;
use platform::{Platform, Result};
use rules::WorkspaceId;
use rules::event::{Event, EventType};
use rules::lease::Lease;
use rules::liveness::{heartbeat_lost, suspect_ourselves};
use rules::transition::{self, Trigger};
use rules::workspace::Workspace;
use serde_json::json;

/// The name of this sweep in `/admin/liveness`.
pub(crate) const NAME: &str = "liveness-monitor";
/// A sweep that last ran longer ago than this may have missed leases: TTL collects them an hour after their end.
const LONG_AGO: Duration = Duration::from_secs(1800);

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
    let before = platform.store.ticks().await?.into_iter().find(|tick| tick.name == NAME);
    let suspected = before.as_ref().is_some_and(|tick| tick.suspect);
    if suspect_ourselves(total - leases.len(), leases.len()) && !suspected {
        tracing::error!(
            expired = leases.len(),
            total,
            "most leases ran out at once: the platform is suspect, nothing marked"
        );
        return Ok(true);
    }
    for lease in leases {
        log_failure(lease.workspace_id, expire(platform, lease.workspace_id, Some(&lease)).await);
    }
    if suspected || before.is_none_or(|tick| now.since(tick.at) > LONG_AGO) {
        without_lease(platform).await?;
    }
    Ok(false)
}

/// After a pause of the sweep, TTL may have collected leases that no sweep had seen end: every record that claims to be
/// alive without one is marked.
async fn without_lease(platform: &Platform) -> Result<()> {
    let ids = platform.store.workspaces(&platform.config.org).await?;
    for (workspace, lease) in platform.store.look_many(&ids).await?.found {
        if workspace.status.is_live() && lease.is_none() {
            log_failure(workspace.id, expire(platform, workspace.id, None).await);
        }
    }
    Ok(())
}

fn log_failure(id: WorkspaceId, swept: Result<(), Fault>) {
    if let Err(Fault::Problem(problem)) = swept {
        tracing::error!(workspace = %id, code = problem.code, "lease not swept");
    }
}

/// Conditional on the lease that was read: a heartbeat in between wins, and the next sweep looks again.
async fn expire(platform: &Platform, id: WorkspaceId, seen: Option<&Lease>) -> Result<(), Fault> {
    let now = platform.now();
    let Some(workspace) = platform.store.workspace(id).await? else { return Ok(()) };
    let Ok(Some(status)) = transition::next(Some(workspace.status), Trigger::LeaseExpired) else {
        return Ok(());
    };
    let since = seen.map_or(now, |lease| lease.lease_until);
    let reason = heartbeat_lost(&workspace, seen, since);
    let event = Event::new(
        EventType::WorkspaceOffline,
        json!({ "reason": reason.code, "since": reason.since.rfc3339(), "evidence": reason.evidence }),
    );
    let after = Workspace {
        status,
        status_since: since,
        status_reasons: vec![reason],
        last_beat: seen.map(|lease| lease.beat.clone()).or(workspace.last_beat),
        monthly_spend: seen.map_or(workspace.monthly_spend, |lease| lease.monthly_spend),
        version: workspace.version + 1,
        updated_at: now,
        ..workspace
    };
    let transaction = platform.store.transaction().put_workspace(&after);
    let transaction = match seen {
        Some(lease) => transaction.end_lease(lease),
        None => transaction.check_no_lease(id),
    };
    let transaction = match platform.runs(&after) {
        true => transaction.expect_provisioned(id, now),
        false => transaction,
    };
    platform.tell(transaction, &after, Some(event)).commit().await?;
    if platform.runs(&after) {
        // Dead or only silent? Its engine is asked.
        platform.reconcile_soon(id).await;
    }
    Ok(())
}
