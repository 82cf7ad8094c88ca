//! The checklists of the operator's guide for one workspace, in one answer: "stuck in provisioning", "401", "does not answer
//! A2A".

use crate::delivery::DeliveryMode;
use crate::engine::Exit;
use crate::lease::Lease;
use crate::liveness::Effective;
use crate::reason::{ReasonCode, StatusReason};
use crate::schedule::explain::Finding;
use crate::slots::Slots;
use crate::status::Status;
use crate::tier::TierLimits;
use crate::time::Timestamp;
use crate::workspace::Workspace;

/// What the engine says about the runtime of the current generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Engine {
    /// Nothing runs managed workspaces here, or the workspace is external.
    None,
    /// It runs.
    Runs,
    /// It does not, for certain.
    Gone(Exit),
    /// It does not answer, or says nothing for certain.
    Silent(String),
}

/// What is known.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// The record.
    pub workspace: &'a Workspace,
    /// Its lease.
    pub lease: Option<&'a Lease>,
    /// Its slots.
    pub slots: &'a Slots,
    /// Its true status.
    pub truth: &'a Effective,
    /// What its engine says.
    pub engine: Engine,
    /// The last lines of its log.
    pub log: &'a str,
    /// What its tier gives.
    pub limits: TierLimits,
    /// Live instance tokens of it.
    pub tokens: usize,
    /// Something above it is paused.
    pub paused_ancestor: bool,
    /// The instant at which this is asked.
    pub now: Timestamp,
}

/// Longer than this in `provisioning` usually means that the start failed.
const STARTS_WITHIN_SECONDS: u64 = 30;

/// The summary, which is the first thing that stands in the way, and the whole checklist.
pub fn diagnose(facts: &Facts<'_>) -> (String, Vec<Finding>) {
    let findings = vec![
        status(facts),
        start(facts),
        engine(facts),
        memory(facts),
        credentials(facts),
        heartbeat(facts),
        reachable(facts),
        queue(facts),
    ];
    let summary = match findings.iter().find(|finding| !finding.ok) {
        Some(finding) => finding.says.clone(),
        None => format!("all is well; it is {}", facts.truth.status),
    };
    (summary, findings)
}

fn told(reason: &StatusReason) -> String {
    format!("{}: {}", reason.code.as_str(), reason.evidence)
}

fn status(facts: &Facts<'_>) -> Finding {
    let since = facts.truth.since.rfc3339();
    let says = match facts.truth.reasons.first() {
        Some(reason) => format!("{} since {since}; {}", facts.truth.status, told(reason)),
        None => format!("{} since {since}", facts.truth.status),
    };
    match (facts.truth.status, facts.truth.reasons.first()) {
        (Status::Online | Status::Provisioning | Status::AwaitingAgent, None) => Finding::good("status", says),
        (Status::Paused, _) if facts.paused_ancestor => {
            Finding::bad("status", says, "resume the paused workspace above it first")
        }
        (Status::Paused, _) => Finding::bad("status", says, "POST /workspaces/{id}/resume"),
        (Status::Hibernating | Status::Hibernated, _) => {
            Finding::good("status", format!("{says}; a message or a fire wakes it"))
        }
        (_, Some(reason)) => Finding::bad("status", says, reason.code.hint()),
        (Status::Removed, None) => Finding::bad("status", says, "it was deleted; create a new one"),
        (_, None) => Finding::bad("status", says, "restart the workspace"),
    }
}

fn start(facts: &Facts<'_>) -> Finding {
    let record = facts.workspace;
    if record.is_external() {
        return Finding::good("start", "external: its agent is started where it runs");
    }
    if let Some(at) = record.start.restart_at.filter(|_| facts.truth.status == Status::Offline) {
        let says = format!("restarts at {}, after {} deaths in a row", at.rfc3339(), record.start.deaths);
        return Finding::good("start", says);
    }
    let age = facts.now.since(facts.truth.since).as_secs();
    if facts.truth.status != Status::Provisioning {
        let says = format!("generation {}, begun because: {}", record.generation, record.start.reason);
        return Finding::good("start", says);
    }
    let phase = match (record.start.launched, &record.register_failure) {
        (_, Some(failure)) => format!("its register is refused: {}", failure.code),
        (true, None) => "its engine has started it, and it has not registered".to_owned(),
        (false, None) => "its engine has not started it yet".to_owned(),
    };
    let says = format!("provisioning for {age} s: {phase}");
    if age <= STARTS_WITHIN_SECONDS {
        return Finding::good("start", says);
    }
    Finding::bad(
        "start",
        says,
        "look at the engine's finding and the log below: the image, the tier's memory, and whether it reaches the platform's URL",
    )
}

fn engine(facts: &Facts<'_>) -> Finding {
    match &facts.engine {
        Engine::None => Finding::good("engine", "nothing is run for it here"),
        Engine::Runs => Finding::good("engine", "its engine says that it runs"),
        Engine::Gone(_) if facts.truth.status.is_stopped() => Finding::good("engine", "it is stopped"),
        Engine::Gone(exit) => {
            Finding::bad("engine", exit.evidence(facts.workspace.tier, facts.limits), exit.reason().hint())
        }
        Engine::Silent(why) => Finding::bad(
            "engine",
            why.clone(),
            "check that the container engine runs and that the platform may talk to it; meanwhile nobody is taken for dead",
        ),
    }
}

fn memory(facts: &Facts<'_>) -> Finding {
    let (limit, tier) = (facts.limits.memory_mb, facts.workspace.tier);
    let short = |what: &str| {
        let says = format!("{what}: out of memory at {limit} MiB in tier {tier}");
        Finding::bad("memory", says, ReasonCode::OutOfMemory.hint())
    };
    let ended = matches!(&facts.engine, Engine::Gone(exit) if exit.out_of_memory)
        || facts.truth.reasons.iter().any(|reason| reason.code == ReasonCode::OutOfMemory);
    match facts.workspace.start.memory_killed_at {
        Some(at) => short(&format!("something in it was killed at {}", at.rfc3339())),
        None if ended => short("it was ended"),
        None => Finding::good("memory", format!("{limit} MiB in tier {tier}; nothing was killed for it")),
    }
}

fn credentials(facts: &Facts<'_>) -> Finding {
    let record = facts.workspace;
    if record.status == Status::Removed {
        return Finding::good("credentials", "all were revoked when it was removed");
    }
    if let Some(failure) = record.auth_failure {
        let says =
            format!("401: it registers with a credential that no longer serves, last at {}", failure.last.rfc3339());
        let advice = match record.is_external() {
            true => "POST /admin/workspaces/{id}/reset-credentials and start its agent with the result",
            false => "POST /workspaces/{id}/restart: the new container brings a credential of its own",
        };
        return Finding::bad("credentials", says, advice);
    }
    if let Some(failure) = &record.register_failure {
        let says = format!("register answered {} at {}", failure.code, failure.at.rfc3339());
        return Finding::bad("credentials", says, "fix what register answered; a heartbeat with a card clears this");
    }
    match facts.tokens {
        0 if record.bootstrap_open => Finding::good("credentials", "its first register needs none"),
        0 if facts.truth.status == Status::Provisioning && record.url_assigned => {
            Finding::good("credentials", "its boot credential waits for its register")
        }
        0 => Finding::bad(
            "credentials",
            "401: it has no live token: it was given none yet, or all were revoked",
            "POST /admin/workspaces/{id}/reset-credentials, or restart it if the platform runs it",
        ),
        tokens => Finding::good("credentials", format!("{tokens} live instance token(s)")),
    }
}

fn heartbeat(facts: &Facts<'_>) -> Finding {
    let quiet = !matches!(facts.truth.status, Status::Online | Status::Degraded | Status::Offline);
    match facts.lease {
        Some(lease) if lease.is_live(facts.now) => {
            let ago = facts.now.since(lease.beat.at).as_secs();
            Finding::good("heartbeat", format!("last one {ago} s ago, {} task(s) running", lease.beat.active_tasks))
        }
        _ if quiet => Finding::good("heartbeat", "none expected"),
        _ => Finding::bad(
            "heartbeat",
            "none within the lease",
            "check that the agent runs, reaches the platform and shows its own token",
        ),
    }
}

fn reachable(facts: &Facts<'_>) -> Finding {
    let record = facts.workspace;
    if record.delivery.mode == DeliveryMode::Poll {
        return Finding::good("a2a", "poll mode: it fetches its messages");
    }
    match (&record.url, &facts.slots.last_contact) {
        (None, _) if !facts.truth.status.is_live() => Finding::good("a2a", "no address while it does not run"),
        (None, _) => Finding::bad("a2a", "it has no address", "let its agent register with a url"),
        (Some(_), Some(contact)) if !contact.reached => Finding::bad(
            "a2a",
            format!("{} at {}", contact.evidence, contact.at.rfc3339()),
            "check that the agent listens at its url and accepts the bearer that register gave it",
        ),
        (Some(_), Some(contact)) => Finding::good("a2a", format!("answered at {}", contact.at.rfc3339())),
        (Some(_), None) => Finding::good("a2a", "no message was delivered yet"),
    }
}

fn queue(facts: &Facts<'_>) -> Finding {
    let (waiting, held) = (facts.slots.waiting(), facts.slots.held());
    let says = format!("{waiting} message(s) wait, {held} with the agent");
    match facts.slots.starving_since {
        Some(since) => Finding::bad(
            "queue",
            format!("{says}; none gets through since {}", since.rfc3339()),
            "see GET /workspaces/{id}/a2a/queue",
        ),
        None => Finding::good("queue", says),
    }
}

#[cfg(test)]
mod tests;
