//! Starts of a workspace: what a new generation changes in the record, and what the death of a runtime leads to.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::delivery::Delivery;
use crate::engine::{Exit, StartFailure};
use crate::event::{Event, EventType};
use crate::reason::{ReasonCode, StatusReason};
use crate::restart::{self, Limits, Next};
use crate::status::Status;
use crate::tier::TierLimits;
use crate::time::Timestamp;
use crate::transition::{self, Refusal, Trigger};
use crate::workspace::Workspace;

/// What is known of the start of the current generation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// When this generation was begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// The engine has started it.
    #[serde(default)]
    pub launched: bool,
    /// The engine's own name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Deaths in a row, without a start that lived for long.
    #[serde(default)]
    pub deaths: u32,
    /// Dead: it is started again then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart_at: Option<Timestamp>,
    /// Something was changed while this generation was being started, so one more follows.
    #[serde(default)]
    pub again: bool,
    /// The next start drops what the runtime has stored of its sessions.
    #[serde(default)]
    pub reset: bool,
    /// What this generation was started with; see [`spec`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub spec: String,
    /// The memory limit last killed something in it that it outlived: an agent's child.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_killed_at: Option<Timestamp>,
    /// What it was before it was to be hibernated.
    #[serde(default)]
    pub was_degraded: bool,
}

/// What only a new start can change, as one text to compare.
pub fn spec(workspace: &Workspace) -> String {
    json!([
        workspace.tier,
        workspace.runtime,
        workspace.model,
        workspace.command,
        workspace.workspace_dir,
        workspace.workspace_access,
        workspace.max_concurrent_tasks,
    ])
    .to_string()
}

/// The record of a new generation that is to be started: an older one is a zombie from now on. Its address and its mode are
/// derived anew, so that nothing stale outlives a start; its card stays until it shows another. `status` is what the
/// transition gave.
pub fn begin(workspace: &Workspace, status: Status, reason: &str, inbound_secret: String, now: Timestamp) -> Workspace {
    Workspace {
        status,
        status_since: now,
        status_reasons: Vec::new(),
        generation: workspace.generation + 1,
        inbound_secret,
        delivery: Delivery::default(),
        url: None,
        url_assigned: true,
        bootstrap_open: false,
        register_failure: None,
        auth_failure: None,
        secrets_seen: workspace.secrets_revision,
        start: Start {
            at: Some(now),
            reason: reason.to_owned(),
            deaths: workspace.start.deaths,
            reset: workspace.start.reset,
            spec: spec(workspace),
            ..Start::default()
        },
        version: workspace.version + 1,
        updated_at: now,
        ..workspace.clone()
    }
}

/// What an operator's restart does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// A new generation.
    Begin(Status),
    /// A start is under way that has all that is wanted.
    UnderWay,
    /// A start is under way, and something changed since it began: one more follows it.
    Again,
}

/// A restart that is asked for (T18). Many at once are one; a start that hangs is not waited for.
///
/// # Errors
/// Removed, external, hibernating, or below a paused ancestor.
pub fn restart(
    workspace: &Workspace,
    paused_ancestor: bool,
    now: Timestamp,
    limits: Limits,
) -> Result<Restart, Refusal> {
    let trigger = Trigger::Restart { external: workspace.is_external(), paused_ancestor };
    let status = transition::next(Some(workspace.status), trigger)?.unwrap_or(Status::Provisioning);
    let Some(at) = workspace.start.at else { return Ok(Restart::Begin(status)) };
    let age = now.since(at);
    let under_way = match workspace.status {
        Status::Provisioning => age < UNDER_WAY.max(limits.debounce),
        status => status.is_live() && age < limits.debounce,
    };
    Ok(match (under_way, workspace.start.spec != spec(workspace)) {
        (false, _) => Restart::Begin(status),
        (true, true) => Restart::Again,
        (true, false) => Restart::UnderWay,
    })
}

/// A start that takes longer than this hangs: a restart begins it anew.
const UNDER_WAY: Duration = Duration::from_secs(60);

/// Whether a live workspace must be started once more: it was asked for while it started, or its secrets changed since its
/// runtime fetched them.
pub fn is_outdated(workspace: &Workspace) -> bool {
    workspace.start.again || workspace.secrets_revision > workspace.secrets_seen
}

/// A runtime that has registered fetches its secrets within this.
pub const FETCHED_WITHIN: Duration = Duration::from_secs(10);

/// When a live workspace that [`is_outdated`] is to be started once more: at once, or, where it has only just come up and
/// may still be fetching its secrets, a little later.
pub fn outdated_at(workspace: &Workspace) -> Timestamp {
    if workspace.start.again { workspace.status_since } else { workspace.status_since + FETCHED_WITHIN }
}

/// The record and the event after the engine said for certain that the runtime of the current generation is gone; none
/// where that changes nothing. It is the same wherever the news came from, so it acts once. One that the platform itself
/// ended is started again at once, and counts for no death in a row.
pub fn died(
    workspace: &Workspace,
    exit: &Exit,
    tier: TierLimits,
    now: Timestamp,
    limits: Limits,
) -> Option<(Workspace, Event)> {
    let known = workspace.status == Status::Offline && workspace.start.restart_at.is_some();
    let dies = workspace.status.is_live() || matches!(workspace.status, Status::Provisioning | Status::Offline);
    if !dies || known || workspace.is_external() {
        return None;
    }
    let cause = StatusReason::new(exit.reason(), now, exit.evidence(workspace.tier, tier));
    let (next, deaths) = match exit.stopped {
        true => (Next::RestartAt(now), workspace.start.deaths),
        false => restart::after_death(workspace.start.deaths, workspace.start.at.unwrap_or(now), now, limits),
    };
    Some(gone(workspace, cause, next, deaths, now))
}

/// Kills for memory that come sooner than this after the last one that was noted are the same trouble.
const SAME_TROUBLE: Duration = Duration::from_secs(60);

/// The record and the event after the memory limit killed something in a workspace, which goes on without it; none where
/// that is known.
pub fn memory_killed(workspace: &Workspace, tier: TierLimits, now: Timestamp) -> Option<(Workspace, Event)> {
    let known = workspace.start.memory_killed_at.is_some_and(|at| now.since(at) < SAME_TROUBLE);
    let runs = workspace.status.is_live() || matches!(workspace.status, Status::Provisioning | Status::Offline);
    if known || !runs || workspace.is_external() {
        return None;
    }
    let mut after = Workspace { version: workspace.version + 1, updated_at: now, ..workspace.clone() };
    after.start.memory_killed_at = Some(now);
    let told = json!({
        "generation": workspace.generation, "memory_mb": tier.memory_mb, "tier": workspace.tier,
        "evidence": format!("something in it was killed: out of memory at {} MiB in tier {}", tier.memory_mb, workspace.tier),
    });
    Some((after, Event::new(EventType::WorkspaceOutOfMemory, told)))
}

/// The record and the event after a silent agent is given up, though its engine says that it runs.
pub fn went_silent(workspace: &Workspace, now: Timestamp, limits: Limits) -> (Workspace, Event) {
    let (next, deaths) = restart::after_death(workspace.start.deaths, workspace.start.at.unwrap_or(now), now, limits);
    let mut cause = workspace
        .status_reasons
        .first()
        .cloned()
        .unwrap_or_else(|| StatusReason::new(ReasonCode::HeartbeatLost, now, "no heartbeat"));
    cause.evidence.push_str("; its engine says that it runs, and it stayed silent");
    gone(workspace, cause, next, deaths, now)
}

fn gone(workspace: &Workspace, cause: StatusReason, next: Next, deaths: u32, now: Timestamp) -> (Workspace, Event) {
    let mut after = Workspace {
        status: Status::Offline,
        status_since: now,
        version: workspace.version + 1,
        updated_at: now,
        ..workspace.clone()
    };
    if workspace.status == Status::Offline {
        after.status_since = workspace.status_since;
    }
    after.start.deaths = deaths;
    match next {
        Next::RestartAt(at) => {
            after.start.restart_at = Some(at);
            let told = json!({
                "reason": cause.code, "since": cause.since.rfc3339(), "evidence": cause.evidence,
                "restart_at": at.rfc3339(), "deaths": deaths,
            });
            after.status_reasons = vec![cause];
            (after, Event::new(EventType::WorkspaceOffline, told))
        }
        Next::GiveUp => {
            let evidence = format!("{deaths} deaths in a row; the last: {}", cause.evidence);
            let told = json!({ "error": evidence, "reason": ReasonCode::CrashLoop, "source": "crash_loop" });
            after.status = Status::Failed;
            after.status_since = now;
            after.start.restart_at = None;
            after.status_reasons = vec![StatusReason::new(ReasonCode::CrashLoop, now, evidence), cause];
            (after, Event::new(EventType::WorkspaceProvisionFailed, told))
        }
    }
}

/// The record after a start that took longer than its runtime may (T20), with the event; none if it is not one.
pub fn timed_out(workspace: &Workspace, limit: Duration, evidence: &str, now: Timestamp) -> Option<(Workspace, Event)> {
    let trigger = Trigger::provision_timeout(workspace, limit, now);
    let status = transition::next(Some(workspace.status), trigger).ok()??;
    let told = json!({
        "error": evidence,
        "timeout_secs": limit.as_secs(),
        "runtime": workspace.runtime,
        "source": "provision_timeout_sweep",
    });
    let reason = StatusReason::new(ReasonCode::ProvisionTimeout, now, evidence);
    let after = workspace.moved(status, vec![reason], now);
    Some((after, Event::new(EventType::WorkspaceProvisionFailed, told)))
}

/// The record after a start that the engine did not do: failed, with the event (T19), or, where it may succeed later,
/// still `provisioning` and showing why, with no event.
pub fn not_started(
    workspace: &Workspace,
    failure: &StartFailure,
    now: Timestamp,
) -> Option<(Workspace, Option<Event>)> {
    let reason = StatusReason::new(failure.cause.reason(), now, failure.evidence.clone());
    let mut after = workspace.clone();
    after.version += 1;
    after.updated_at = now;
    if failure.cause.is_passing() {
        let same = |known: &StatusReason| known.code == reason.code && known.evidence == reason.evidence;
        if workspace.status != Status::Provisioning || workspace.status_reasons.first().is_some_and(same) {
            return None;
        }
        after.status_reasons = vec![reason];
        return Some((after, None));
    }
    let failed = transition::next(Some(workspace.status), Trigger::StartFailed { same_generation: true }).ok()??;
    after.status = failed;
    after.status_since = now;
    let told = json!({ "error": reason.evidence, "reason": reason.code, "source": "provisioner" });
    after.status_reasons = vec![reason];
    Some((after, Some(Event::new(EventType::WorkspaceProvisionFailed, told))))
}

/// The details of `WORKSPACE_PROVISIONING`.
pub fn told(after: &Workspace, before: Option<Status>) -> Value {
    json!({
        "name": after.name,
        "tier": after.tier,
        "runtime": after.runtime,
        "generation": after.generation,
        "previous_status": before,
        "reason": after.start.reason,
    })
}

#[cfg(test)]
mod tests;
