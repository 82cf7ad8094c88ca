//! Why a schedule fired or did not, in words, and what to do about it.

use serde::Serialize;

use super::fire::{Fire, Outcome};
use super::record::Schedule;
use crate::status::Status;
use crate::time::Timestamp;

/// What is known.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The schedule.
    pub schedule: &'a Schedule,
    /// The workspace's true status.
    pub status: Status,
    /// What keeps its turns from beginning now.
    pub blocked: Option<&'a str>,
    /// The newest row of the ledger.
    pub last: Option<&'a Fire>,
    /// When the scheduler last ran.
    pub scheduler_at: Option<Timestamp>,
    /// That was too long ago.
    pub scheduler_stale: bool,
    /// The instant at which this is asked.
    pub now: Timestamp,
}

/// One line of the checklist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Finding {
    /// What was looked at.
    pub check: &'static str,
    /// It stands in no fire's way.
    pub ok: bool,
    /// What was found.
    pub says: String,
    /// What to do, where something is to be done.
    #[serde(rename = "do", skip_serializing_if = "Option::is_none")]
    pub advice: Option<&'static str>,
}

impl Finding {
    pub(crate) fn good(check: &'static str, says: impl Into<String>) -> Self {
        Self { check, ok: true, says: says.into(), advice: None }
    }

    pub(crate) fn bad(check: &'static str, says: impl Into<String>, advice: &'static str) -> Self {
        Self { check, ok: false, says: says.into(), advice: Some(advice) }
    }
}

/// The summary, which is the first thing that stands in the way or else what comes next; and the whole checklist.
pub fn explain(facts: &Facts<'_>) -> (String, Vec<Finding>) {
    let findings =
        vec![enabled(facts), scheduler(facts), workspace(facts), capacity(facts), starvation(facts), last(facts)];
    let summary = match findings.iter().find(|finding| !finding.ok) {
        Some(finding) => finding.says.clone(),
        None => match facts.schedule.due() {
            Some(due) if due > facts.now => format!("all is well; it fires next at {}", due.rfc3339()),
            Some(due) => format!("all is well; it is due since {} and is being placed", due.rfc3339()),
            None => "it has no next fire".to_owned(),
        },
    };
    (summary, findings)
}

fn enabled(facts: &Facts<'_>) -> Finding {
    if facts.schedule.enabled {
        let (expression, zone) = (&facts.schedule.cron_expr, &facts.schedule.timezone);
        return Finding::good("enabled", format!("it is enabled: {expression} in {zone}"));
    }
    Finding::bad("enabled", "it is switched off, so it has no next fire", "PATCH the schedule with {\"enabled\":true}")
}

fn scheduler(facts: &Facts<'_>) -> Finding {
    const ADVICE: &str = "look at the tick function's log, and at scheduler in GET /admin/liveness";
    match facts.scheduler_at {
        None => Finding::bad("scheduler", "the scheduler has never run", ADVICE),
        Some(at) if facts.scheduler_stale => {
            Finding::bad("scheduler", format!("the scheduler last ran at {}", at.rfc3339()), ADVICE)
        }
        Some(at) => Finding::good("scheduler", format!("the scheduler ran at {}", at.rfc3339())),
    }
}

fn workspace(facts: &Facts<'_>) -> Finding {
    let says = format!("the workspace is {}", facts.status);
    match facts.status {
        Status::Paused => Finding::bad("workspace", format!("{says}: its fires are skipped"), "resume the workspace"),
        status if status.is_dispatchable() => Finding::good("workspace", says),
        _ => {
            let says = format!("{says}: a fire waits in its queue until it is online");
            Finding::bad("workspace", says, "see status_reasons in GET /workspaces/:id")
        }
    }
}

fn capacity(facts: &Facts<'_>) -> Finding {
    match facts.blocked.filter(|_| facts.status.is_dispatchable()) {
        Some(blocked) => Finding::bad(
            "capacity",
            format!("{blocked}: a fire waits until there is room"),
            "wait, cancel the message with DELETE /workspaces/:id/a2a/queue/:queue_id, or raise max_concurrent_tasks",
        ),
        None => Finding::good("capacity", "the agent has room for a turn"),
    }
}

fn starvation(facts: &Facts<'_>) -> Finding {
    let count = facts.schedule.consecutive_not_fired();
    match facts.schedule.starving_since() {
        Some(since) => Finding::bad(
            "starvation",
            format!("{count} fires in a row have not started, the first one of {}", since.rfc3339()),
            "remove what blocks the turns; the newest fire starts as soon as there is room",
        ),
        None => Finding::good("starvation", "fires start"),
    }
}

fn last(facts: &Facts<'_>) -> Finding {
    let Some(fire) = facts.last else {
        return Finding::good("last fire", "no fire is on record; none has been due, or its row was kept long enough");
    };
    let nominal = fire.nominal.rfc3339();
    let reason = fire.reason.as_deref().unwrap_or("no reason recorded");
    match fire.outcome {
        Outcome::Fired => Finding::good("last fire", format!("the fire of {nominal} ran")),
        Outcome::Running => Finding::good("last fire", format!("the turn of the fire of {nominal} runs")),
        Outcome::Pending => Finding::good("last fire", format!("the turn of the fire of {nominal} waits")),
        Outcome::Coalesced => Finding::good("last fire", format!("the fire of {nominal} was coalesced: {reason}")),
        Outcome::Skipped => Finding::bad(
            "last fire",
            format!("the fire of {nominal} was skipped: {reason}"),
            "see overlap of the schedule and the status of the workspace",
        ),
        Outcome::Missed => Finding::bad(
            "last fire",
            format!("the fire of {nominal} was missed: {reason}"),
            "see catchup and deadline_seconds of the schedule; POST …/run fires it now",
        ),
        Outcome::Failed => Finding::bad(
            "last fire",
            format!("the turn of the fire of {nominal} failed: {reason}"),
            "see the message in GET /workspaces/:id/a2a/queue/:queue_id; POST …/run fires it again",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{NOW, ago, schedule};
    use crate::id::MessageId;
    use crate::schedule::{NotFired, Open, Trigger};
    use uuid::Uuid;

    fn fire(outcome: Outcome) -> Fire {
        let fire = Fire::new(&schedule(), ago(1200), Trigger::Cron, ago(1200));
        Fire { outcome, reason: Some("because".to_owned()), ..fire }
    }

    fn told(facts: &Facts<'_>) -> String {
        let (summary, findings) = explain(facts);
        assert_eq!(findings.len(), 6);
        assert!(findings.iter().all(|finding| finding.ok == finding.advice.is_none()), "what is wrong has advice");
        summary
    }

    #[test]
    fn the_first_thing_in_the_way_is_the_summary() {
        let (well, disabled) = (schedule(), Schedule { enabled: false, next_fire: None, ..schedule() });
        let open =
            Open { nominal: ago(10), queue_id: MessageId::new(Uuid::from_u128(1)), running: false, manual: false };
        let starving =
            Schedule { open: vec![open], not_fired: Some(NotFired { since: ago(3610), count: 2 }), ..schedule() };
        let all_is_well = Facts {
            schedule: &well,
            status: Status::Online,
            blocked: None,
            last: None,
            scheduler_at: Some(ago(5)),
            scheduler_stale: false,
            now: NOW,
        };
        let (missed, failed, fired) = (fire(Outcome::Missed), fire(Outcome::Failed), fire(Outcome::Fired));
        for (facts, expected) in [
            (all_is_well, "all is well; it fires next at"),
            (Facts { last: Some(&fired), ..all_is_well }, "all is well"),
            (Facts { schedule: &disabled, ..all_is_well }, "it is switched off"),
            (Facts { scheduler_at: None, ..all_is_well }, "the scheduler has never run"),
            (Facts { scheduler_stale: true, ..all_is_well }, "the scheduler last ran at"),
            (Facts { status: Status::Paused, ..all_is_well }, "the workspace is paused: its fires are skipped"),
            (
                Facts { status: Status::Offline, blocked: Some("the workspace is offline"), ..all_is_well },
                "the workspace is offline: a fire waits in its queue until it is online",
            ),
            (Facts { blocked: Some("the agent is busy"), ..all_is_well }, "the agent is busy: a fire waits until"),
            (Facts { schedule: &starving, ..all_is_well }, "3 fires in a row have not started"),
            (Facts { last: Some(&missed), ..all_is_well }, "was missed: because"),
            (Facts { last: Some(&failed), ..all_is_well }, "failed: because"),
        ] {
            let summary = told(&facts);
            assert!(summary.contains(expected), "{summary} should say {expected}");
        }
    }
}
