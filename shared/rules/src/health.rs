//! The five-part health of a workspace, beside its status: each part with its evidence.

use std::time::Duration;

use serde::Serialize;

use crate::lease::Lease;
use crate::liveness::Effective;
use crate::reason::{ReasonCode, StatusReason};
use crate::slots::Slots;
use crate::status::Status;
use crate::time::Timestamp;
use crate::workspace::Workspace;

/// What is known of one part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = HealthState)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Seen to work.
    Ok,
    /// Seen to fail.
    Failing,
    /// Not seen.
    Unknown,
}

/// One part of the health, with what it is concluded from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = HealthPart)]
pub struct Part {
    /// The conclusion.
    pub state: State,
    /// What was seen.
    pub evidence: String,
}

/// All five parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Health {
    /// Its process lives.
    pub process: Part,
    /// It registers.
    pub registration: Part,
    /// The platform reaches it.
    pub reachability: Part,
    /// Its queue moves.
    pub drain: Part,
    /// Its running turn ends in time.
    pub progress: Part,
}

fn part(state: State, evidence: impl Into<String>) -> Part {
    Part { state, evidence: evidence.into() }
}

/// Concludes the health from what is stored. `max_turn` is the ceiling of one turn.
pub fn assess(
    workspace: &Workspace,
    lease: Option<&Lease>,
    slots: &Slots,
    effective: &Effective,
    now: Timestamp,
    max_turn: Duration,
) -> Health {
    let live = lease.filter(|lease| lease.is_live(now) && effective.status.is_live());
    let caused_by = |code| effective.reasons.iter().find(|reason| reason.code == code);
    Health {
        process: process(lease, live, effective, now),
        registration: registration(workspace, caused_by(ReasonCode::AuthFailing)),
        reachability: reachability(workspace, slots),
        drain: match (caused_by(ReasonCode::QueueStarved), live) {
            (Some(reason), _) => part(State::Failing, reason.evidence.clone()),
            (None, None) => part(State::Unknown, "no live agent to drain to"),
            (None, Some(lease)) if lease.work => part(State::Ok, "messages are open"),
            (None, Some(_)) => part(State::Ok, "no open messages"),
        },
        progress: match live.map(|lease| lease.busy_since) {
            None => part(State::Unknown, "no live agent"),
            Some(None) => part(State::Ok, "idle"),
            Some(Some(since)) => {
                let state = if now.since(since) > max_turn { State::Failing } else { State::Ok };
                part(state, format!("busy since {}", since.rfc3339()))
            }
        },
    }
}

fn process(lease: Option<&Lease>, live: Option<&Lease>, effective: &Effective, now: Timestamp) -> Part {
    let evidence = effective.reasons.first().map(|reason| reason.evidence.as_str());
    let wedged = effective.reasons.iter().find(|reason| reason.code == ReasonCode::RuntimeWedged);
    match (live, wedged) {
        (Some(_), Some(reason)) => part(State::Failing, reason.evidence.clone()),
        (Some(lease), None) => part(
            State::Ok,
            format!("heartbeat at {}, {} s ago", lease.beat.at.rfc3339(), now.since(lease.beat.at).as_secs()),
        ),
        (None, _) => match (effective.status, lease) {
            (Status::Offline | Status::Failed, _) => part(State::Failing, evidence.unwrap_or("no heartbeat")),
            // Stopped on purpose, or not up yet: a lease that is left from before proves nothing.
            (status, Some(_)) => part(State::Unknown, format!("the workspace is {status}")),
            (_, None) => part(State::Unknown, "no lease"),
        },
    }
}

fn registration(workspace: &Workspace, auth_failing: Option<&StatusReason>) -> Part {
    if let Some(reason) = auth_failing {
        return part(State::Failing, reason.evidence.clone());
    }
    if let Some(failure) = &workspace.register_failure {
        return part(State::Failing, format!("register ended with {} at {}", failure.code, failure.at.rfc3339()));
    }
    // Also when nothing else is known but that the lease ran out: a lost credential ends heartbeats too.
    if let Some(failure) = workspace.auth_failure {
        let (since, last) = (failure.since.rfc3339(), failure.last.rfc3339());
        return part(
            State::Failing,
            format!("register with a credential that no longer serves, from {since} to {last}"),
        );
    }
    match workspace.agent_card {
        Some(_) => part(State::Ok, "registered with an agent card"),
        None => part(State::Unknown, "never registered"),
    }
}

fn reachability(workspace: &Workspace, slots: &Slots) -> Part {
    if workspace.delivery.mode == crate::delivery::DeliveryMode::Poll {
        return part(State::Unknown, "poll mode: the platform does not call the agent");
    }
    match &slots.last_contact {
        None => part(State::Unknown, "no message was delivered yet"),
        Some(contact) if contact.reached => part(State::Ok, format!("answered at {}", contact.at.rfc3339())),
        Some(contact) => part(State::Failing, format!("{} at {}", contact.evidence, contact.at.rfc3339())),
    }
}

#[cfg(test)]
mod tests;
