//! The five-part health of a workspace, beside its status: each part with its evidence.

use std::time::Duration;

use serde::Serialize;

use crate::lease::Lease;
use crate::liveness::Effective;
use crate::reason::ReasonCode;
use crate::slots::Slots;
use crate::time::Timestamp;
use crate::workspace::Workspace;

/// What is known of one part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// The conclusion.
    pub state: State,
    /// What was seen.
    pub evidence: String,
}

/// All five parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
        process: process(lease, live, caused_by(ReasonCode::RuntimeWedged).map(|reason| reason.evidence.as_str()), now),
        registration: match (caused_by(ReasonCode::AuthFailing), &workspace.register_failure) {
            (Some(reason), _) => part(State::Failing, reason.evidence.clone()),
            (None, Some(failure)) => {
                part(State::Failing, format!("register ended with {} at {}", failure.code, failure.at.rfc3339()))
            }
            (None, None) if workspace.agent_card.is_some() => part(State::Ok, "registered with an agent card"),
            (None, None) => part(State::Unknown, "never registered"),
        },
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

fn process(lease: Option<&Lease>, live: Option<&Lease>, wedged: Option<&str>, now: Timestamp) -> Part {
    match (lease, live, wedged) {
        (_, Some(_), Some(evidence)) => part(State::Failing, evidence),
        (_, Some(lease), None) => part(
            State::Ok,
            format!("heartbeat at {}, {} s ago", lease.beat.at.rfc3339(), now.since(lease.beat.at).as_secs()),
        ),
        (Some(lease), None, _) => part(State::Failing, format!("lease ended at {}", lease.lease_until.rfc3339())),
        (None, None, _) => part(State::Unknown, "no lease"),
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
