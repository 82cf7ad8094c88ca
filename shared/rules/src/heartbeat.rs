//! What one heartbeat does to the status: at most one transition, decided from the causes of degradation that hold.

use std::time::Duration;

use serde_json::json;

use crate::event::{Event, EventType};
use crate::lease::{Beat, Lease};
use crate::liveness::effective;
use crate::reason::{ReasonCode, StatusReason};
use crate::status::Status;
use crate::time::Timestamp;
use crate::transition::{self, Refusal, Trigger};
use crate::workspace::Workspace;

/// At this error rate and above, an online workspace is degraded.
pub const DEGRADE_AT: f64 = 0.5;
/// Below this error rate, a degraded workspace recovers.
pub const RECOVER_BELOW: f64 = 0.1;
/// A runtime that says this of itself runs no turns although its process lives.
pub const WEDGED: &str = "wedged";
/// The answer of a register whose credential does not serve.
const UNAUTHORIZED: u16 = 401;

/// The windows of the rule.
#[derive(Debug, Clone, Copy)]
pub struct Windows {
    /// How long a failed register degrades.
    pub register_failure: Duration,
    /// How long registering may fail with 401 before the workspace is degraded for it.
    pub auth_grace: Duration,
}

/// What is known beside the beat itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Observed<'a> {
    /// It carries a non-empty agent card.
    pub card: bool,
    /// Evidence that messages wait although the agent has had room for them for too long.
    pub starved: Option<&'a str>,
}

/// What to write.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The status from now on.
    pub status: Status,
    /// Its causes; non-empty exactly when degraded.
    pub reasons: Vec<StatusReason>,
    /// The record must be written: its true status or its reasons differ, its marker goes or its card comes.
    pub changed: bool,
    /// The register-failure marker goes.
    pub clear_register_failure: bool,
    /// The record has no card yet, so the heartbeat's is stored.
    pub adopt_card: bool,
    /// The event of the transition, if there is one.
    pub event: Option<Event>,
}

/// Decides what an authenticated heartbeat does.
///
/// Clearing the register-failure marker comes first, so that the same heartbeat can bring the workspace online: a
/// card-bearing, authenticated heartbeat proves that the runtime is there, whether or not a card was already stored.
///
/// # Errors
/// [`Refusal::Removed`] and [`Refusal::Stopped`]: the heartbeat changes nothing, and the answer says the status.
pub fn evaluate(
    workspace: &Workspace,
    lease: Option<&Lease>,
    beat: &Beat,
    observed: Observed<'_>,
    now: Timestamp,
    windows: Windows,
) -> Result<Verdict, Refusal> {
    let card = observed.card;
    let before = effective(workspace, lease, now);
    let clear_register_failure = card && workspace.register_failure.is_some();
    let causes = causes(workspace, before.status, beat, (clear_register_failure, observed.starved), now, windows);
    let to = transition::next(Some(before.status), Trigger::Heartbeat { impaired: !causes.is_empty() })?;
    let status = to.unwrap_or(before.status);
    let event = to.map(|status| transition_event(status, before.status, before.since, beat, &causes));
    let adopt_card = card && workspace.agent_card.is_none();
    // Back from a lease that ran out unswept, the stored status is the same and yet began anew.
    let changed =
        to.is_some() || clear_register_failure || adopt_card || !same_codes(&causes, &workspace.status_reasons);
    Ok(Verdict { status, reasons: causes, changed, clear_register_failure, adopt_card, event })
}

fn same_codes(left: &[StatusReason], right: &[StatusReason]) -> bool {
    left.iter().map(|reason| reason.code).eq(right.iter().map(|reason| reason.code))
}

/// The causes of degradation that hold now, in a fixed order. One that held before keeps its `since`.
fn causes(
    workspace: &Workspace,
    from: Status,
    beat: &Beat,
    (register_failure_cleared, starved): (bool, Option<&str>),
    now: Timestamp,
    windows: Windows,
) -> Vec<StatusReason> {
    let held = |code| {
        let reasons = if from == Status::Degraded { workspace.status_reasons.as_slice() } else { &[] };
        reasons.iter().find(|reason| reason.code == code)
    };
    let mut causes = Vec::new();
    let mut add = |code, evidence: String| {
        let since = held(code).map_or(now, |reason| reason.since);
        causes.push(StatusReason::new(code, since, evidence));
    };
    if beat.runtime_state == WEDGED {
        add(ReasonCode::RuntimeWedged, with_sample("the runtime reports that it is wedged", beat));
    } else if !beat.runtime_state.is_empty()
        && let Some(reason) = held(ReasonCode::RuntimeWedged)
    {
        // An unknown state degrades nobody, but it is no proof of recovery either.
        add(ReasonCode::RuntimeWedged, reason.evidence.clone());
    }
    if !register_failure_cleared
        && let Some(failure) = &workspace.register_failure
        && now.since(failure.at) < windows.register_failure
    {
        add(ReasonCode::RegisterFailed, format!("register ended with {} at {}", failure.code, failure.at.rfc3339()));
    }
    if let Some(evidence) = auth_failing(workspace, beat, now, windows) {
        add(ReasonCode::AuthFailing, evidence);
    }
    if let Some(evidence) = starved {
        add(ReasonCode::QueueStarved, evidence.to_owned());
    }
    // Between the two thresholds a rate is no cause; it only keeps degraded what is, and has nothing else to show for it.
    let since = held(ReasonCode::ErrorRate).map(|reason| reason.since);
    let lingers = from == Status::Degraded && beat.error_rate >= RECOVER_BELOW;
    let rate_counts = if beat.has("status_mgmt") {
        since.is_some()
    } else {
        beat.error_rate >= DEGRADE_AT || (lingers && (since.is_some() || causes.is_empty()))
    };
    if rate_counts {
        let evidence = with_sample(&format!("error rate {:.2}", beat.error_rate), beat);
        causes.push(StatusReason::new(ReasonCode::ErrorRate, since.unwrap_or(now), evidence));
    }
    if causes.is_empty() && from == Status::Degraded && !beat.runtime_state.is_empty() {
        causes.extend(workspace.status_reasons.iter().cloned());
    }
    causes
}

fn with_sample(text: &str, beat: &Beat) -> String {
    if beat.sample_error.is_empty() { text.to_owned() } else { format!("{text}: {}", beat.sample_error) }
}

/// Evidence that registering has been failing with 401 for longer than the grace, from the runtime's own report or from
/// registers that proved whose they were. Any other failure is the marker's to tell: a refused URL is no lost credential,
/// and a heartbeat with a card must be able to recover from it.
fn auth_failing(workspace: &Workspace, beat: &Beat, now: Timestamp, windows: Windows) -> Option<String> {
    let long = |since: Timestamp| now.since(since) >= windows.auth_grace;
    if let Some(state) = &beat.register_state
        && !state.ok
        && state.last_code == Some(UNAUTHORIZED)
        && let Some(since) = state.failing_since
        && long(since)
    {
        return Some(format!(
            "the runtime reports register answered {UNAUTHORIZED} {} times since {}",
            state.attempts,
            since.rfc3339()
        ));
    }
    let failure = workspace.auth_failure?;
    let fresh = now.since(failure.last) < windows.register_failure;
    (fresh && long(failure.since))
        .then(|| format!("register with a revoked credential of its own since {}", failure.since.rfc3339()))
}

fn transition_event(to: Status, from: Status, since: Timestamp, beat: &Beat, causes: &[StatusReason]) -> Event {
    if to == Status::Degraded {
        let codes: Vec<_> = causes.iter().map(|cause| cause.code).collect();
        let mut payload = json!({ "reasons": codes, "error_rate": beat.error_rate, "sample_error": beat.sample_error });
        if beat.runtime_state == WEDGED {
            payload["runtime_state"] = json!(beat.runtime_state);
        }
        if codes.contains(&ReasonCode::RegisterFailed) {
            payload["register_failure"] = json!(true);
        }
        if from != Status::Online {
            payload["recovered_from"] = json!(from);
        }
        return Event::new(EventType::WorkspaceDegraded, payload);
    }
    Event::new(EventType::WorkspaceOnline, json!({ "recovered_from": from, "since": since.rfc3339() }))
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
