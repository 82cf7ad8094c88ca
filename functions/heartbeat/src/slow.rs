//! The slow path: no live lease, another status than online, an unknown token, or something to weigh in the record.

use std::time::Duration;

use platform::decide::{Fault, decide};
use platform::store::{Look, Snapshot};
use platform::{Platform, Problem, Reply, Result};
use rules::delivery::DeliveryMode;
use rules::heartbeat::{Observed, Verdict, Windows, evaluate};
use rules::ladder::{Ladder, standing};
use rules::lease::{Beat, Lease};
use rules::transition::Refusal;
use rules::workspace::Workspace;
use rules::{Status, Timestamp, credential};

use crate::answer;
use crate::beat::Heartbeat;
use crate::work;

/// Registering may fail with 401 for this long before the workspace is degraded for it.
const AUTH_GRACE: Duration = Duration::from_secs(60);

/// Reads the record, decides, and writes in one transaction that holds only if nothing moved.
pub(crate) async fn heartbeat(platform: &Platform, heartbeat: &Heartbeat, digest: Option<&str>) -> Result<Reply> {
    match decide(|| round(platform, heartbeat, digest)).await? {
        Settled::Live(live) => {
            let Live { status, mode, before, waiting, ladder } = *live;
            match before {
                Some(before) => {
                    work::look_after(platform, heartbeat, status, &before).await?;
                }
                // The first beat, or the first after a long silence.
                None if waiting > 0 => platform.wake_drain(heartbeat.workspace_id).await,
                None => {}
            }
            Ok(answer(platform, status, mode, waiting, ladder.as_ref()))
        }
        Settled::Stopped(workspace) => Ok(answer(platform, workspace.status, workspace.delivery.mode, 0, None)),
    }
}

/// What a beat that was taken left behind.
struct Live {
    status: Status,
    mode: DeliveryMode,
    /// The lease before this beat.
    before: Option<Lease>,
    /// Messages that wait.
    waiting: u32,
    /// What the agent is to do about a turn that runs too long.
    ladder: Option<Ladder>,
}

enum Settled {
    Live(Box<Live>),
    Stopped(Box<Workspace>),
}

async fn round(platform: &Platform, heartbeat: &Heartbeat, digest: Option<&str>) -> Result<Settled, Fault> {
    let now = platform.now();
    let look = Look::record().lease().slots().bearer(digest);
    let snapshot = platform.store.look(heartbeat.workspace_id, &look).await?;
    let workspace = permitted(&snapshot)?;
    let mut beat = heartbeat.beat.clone();
    carry_register_state(&mut beat, snapshot.lease.as_ref());
    let windows = Windows { register_failure: platform.config.register_failure_window, auth_grace: AUTH_GRACE };
    let starved = work::starved(platform, workspace, &beat, &snapshot.slots).await?;
    let observed = Observed { card: heartbeat.card.is_some(), starved: starved.as_deref() };
    let verdict = match evaluate(workspace, snapshot.lease.as_ref(), &beat, observed, now, windows) {
        Ok(verdict) => verdict,
        Err(Refusal::Stopped) => return Ok(Settled::Stopped(Box::new(workspace.clone()))),
        Err(refusal) => return Err(refusal.into()),
    };
    let after = applied(workspace, &verdict, heartbeat, now, windows.register_failure);
    let mut lease = renewed(platform, &after, &snapshot, beat, heartbeat.monthly_spend, digest);
    let ladder = standing(&snapshot.slots, Some(&lease)).cloned();
    lease.control |= ladder.is_some();
    let mut transaction = platform.store.transaction();
    transaction = match after.version == workspace.version {
        true => transaction.check_workspace(workspace),
        false => transaction.put_workspace(&after),
    };
    if let Some(token) = &snapshot.token {
        transaction = transaction.check_token(token);
    }
    if matches!(workspace.status, Status::Provisioning | Status::Offline) {
        transaction = transaction.provisioned(workspace.id);
    }
    transaction = platform.tell(transaction.put_lease(&lease), &after, verdict.event);
    transaction.commit().await?;
    let waiting = snapshot.slots.waiting();
    Ok(Settled::Live(Box::new(Live {
        status: after.status,
        mode: after.delivery.mode,
        before: snapshot.lease,
        waiting,
        ladder,
    })))
}

/// The workspace, if the caller may renew its lease.
fn permitted(snapshot: &Snapshot) -> Result<&Workspace> {
    let workspace = snapshot.workspace.as_ref().ok_or_else(Problem::no_workspace)?;
    if workspace.status == Status::Removed {
        let own = snapshot.token.as_ref().is_some_and(|token| token.belongs_to(workspace.id));
        return Err(if own { Problem::gone().with("shutdown", true) } else { Problem::bad_credential() });
    }
    credential::may_heartbeat(workspace, snapshot.presented())?;
    Ok(workspace)
}

/// Since when the runtime's own register has not been ok: the first beat that said so.
fn carry_register_state(beat: &mut Beat, lease: Option<&Lease>) {
    let before = lease.and_then(|lease| lease.beat.register_state.as_ref()?.failing_since);
    if let Some(state) = beat.register_state.as_mut().filter(|state| !state.ok) {
        state.failing_since = Some(before.unwrap_or(beat.at));
    }
}

/// The record after the verdict; its version is raised only where it must be written.
fn applied(
    workspace: &Workspace,
    verdict: &Verdict,
    heartbeat: &Heartbeat,
    now: Timestamp,
    window: Duration,
) -> Workspace {
    let mut after = workspace.clone();
    after.forget_aged_marks(now, window);
    if verdict.adopt_card {
        after.agent_card.clone_from(&heartbeat.card);
    }
    if verdict.clear_register_failure {
        after.register_failure = None;
    }
    if verdict.changed {
        after.status = verdict.status;
        after.status_reasons.clone_from(&verdict.reasons);
    }
    if after != *workspace || verdict.event.is_some() {
        after.version += 1;
        after.updated_at = now;
        if verdict.event.is_some() {
            after.status_since = now;
        }
    }
    after
}

fn renewed(
    platform: &Platform,
    after: &Workspace,
    snapshot: &Snapshot,
    beat: Beat,
    monthly_spend: Option<i64>,
    digest: Option<&str>,
) -> Lease {
    let mut lease = Lease::renewed(after, snapshot.lease.as_ref(), beat, platform.config.liveness_ttl);
    lease.monthly_spend = monthly_spend.unwrap_or(lease.monthly_spend);
    if let (Some(digest), Some(token)) = (digest, &snapshot.token) {
        lease.admit(digest, token.generation);
    }
    lease
}
