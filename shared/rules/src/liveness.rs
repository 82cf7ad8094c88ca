//! Is it alive? Decided from record and lease at read time; no sweep has to have run.

use std::time::Duration;

use crate::lease::Lease;
use crate::reason::{ReasonCode, StatusReason};
use crate::status::Status;
use crate::time::Timestamp;
use crate::workspace::Workspace;

/// The status as it truly is at one instant.
#[derive(Debug, Clone, PartialEq)]
pub struct Effective {
    /// The status.
    pub status: Status,
    /// Since when.
    pub since: Timestamp,
    /// Why, where the status asks for it.
    pub reasons: Vec<StatusReason>,
}

/// The status of a workspace at `now`: a live status holds only under a live lease.
pub fn effective(workspace: &Workspace, lease: Option<&Lease>, now: Timestamp) -> Effective {
    if workspace.status.is_live() && !lease.is_some_and(|lease| lease.is_live(now)) {
        let since = lease.map_or(workspace.status_since, |lease| lease.lease_until);
        return Effective { status: Status::Offline, since, reasons: vec![heartbeat_lost(workspace, lease, since)] };
    }
    Effective { status: workspace.status, since: workspace.status_since, reasons: workspace.status_reasons.clone() }
}

/// The reason of a workspace whose lease ran out.
pub fn heartbeat_lost(workspace: &Workspace, lease: Option<&Lease>, since: Timestamp) -> StatusReason {
    let beats = [lease.map(|lease| &lease.beat), workspace.last_beat.as_ref()];
    let last = beats.into_iter().flatten().map(|beat| beat.at).find(|at| at.millis() > 0);
    let evidence = match (last, lease) {
        (Some(at), _) => format!("last heartbeat at {}", at.rfc3339()),
        (None, Some(lease)) => format!("no heartbeat; the lease ended at {}", lease.lease_until.rfc3339()),
        (None, None) => format!("no lease; the last change of status was at {}", workspace.status_since.rfc3339()),
    };
    StatusReason::new(ReasonCode::HeartbeatLost, since, evidence)
}

/// The name of what places the fires of schedules.
pub const SCHEDULER: &str = "scheduler";
/// How often each subsystem runs.
pub const TICK_PERIOD: Duration = Duration::from_secs(60);

/// A subsystem that last ran at `last` has missed more than one turn.
pub fn is_stale(last: Timestamp, now: Timestamp) -> bool {
    now.since(last) > TICK_PERIOD * 2
}

/// The brake of the sweep: when more than half of at least ten leases run out at once, the fault is likely ours, so
/// nothing is marked offline until the next sweep decides again.
pub fn suspect_ourselves(live: usize, expired: usize) -> bool {
    let total = live + expired;
    total >= 10 && expired * 2 > total
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fixtures::{NOW, ago, any_lease, any_workspace, lease, run_out, workspace};
    use crate::lease::Beat;

    #[test]
    fn the_instant_at_which_a_lease_ends_is_past_it() {
        let record = workspace(Status::Online);
        for (left_ms, status) in [(1, Status::Online), (0, Status::Offline), (-1, Status::Offline)] {
            let lease_until = Timestamp::from_millis(NOW.millis() + left_ms);
            let lease = Lease { lease_until, ..lease(&record) };
            assert_eq!(effective(&record, Some(&lease), NOW).status, status, "{left_ms} ms left");
        }
    }

    #[test]
    fn an_unswept_death_says_since_when_and_what_was_last_heard() {
        let record = workspace(Status::Online);
        let silent = Lease { beat: Beat::default(), ..run_out(&record) };
        let known = Workspace { last_beat: Some(Beat { at: ago(95), ..Beat::default() }), ..record.clone() };
        for (name, record, lease, since, evidence) in [
            ("run out", &record, Some(run_out(&record)), ago(30), format!("last heartbeat at {}", ago(90).rfc3339())),
            (
                "no beat",
                &record,
                Some(silent.clone()),
                ago(30),
                format!("no heartbeat; the lease ended at {}", ago(30).rfc3339()),
            ),
            ("an older beat", &known, Some(silent), ago(30), format!("last heartbeat at {}", ago(95).rfc3339())),
            (
                "no lease",
                &record,
                None,
                ago(100),
                format!("no lease; the last change of status was at {}", ago(100).rfc3339()),
            ),
        ] {
            let shown = effective(record, lease.as_ref(), NOW);
            assert_eq!((shown.status, shown.since), (Status::Offline, since), "{name}");
            assert_eq!(shown.reasons, [StatusReason::new(ReasonCode::HeartbeatLost, since, evidence)], "{name}");
        }
    }

    proptest! {
        #[test]
        fn an_expired_lease_is_never_online(record in any_workspace(), lease in any_lease()) {
            let shown = effective(&record, lease.as_ref(), NOW);
            let live = lease.is_some_and(|lease| lease.lease_until > NOW);
            prop_assert!(live || !shown.status.is_live());
            prop_assert_eq!(shown.status != record.status, record.status.is_live() && !live);
        }

        #[test]
        fn a_status_that_claims_no_life_is_the_stored_one(record in any_workspace(), lease in any_lease()) {
            if !record.status.is_live() {
                let shown = effective(&record, lease.as_ref(), NOW);
                let stored = (record.status, record.status_since, record.status_reasons);
                prop_assert_eq!((shown.status, shown.since, shown.reasons), stored);
            }
        }
    }

    #[test]
    fn a_subsystem_is_stale_after_two_periods() {
        let last = Timestamp::from_millis(1_000_000);
        for (age_ms, stale) in [(0, false), (60_000, false), (120_000, false), (120_001, true), (3_600_000, true)] {
            assert_eq!(is_stale(last, last + Duration::from_millis(age_ms)), stale, "{age_ms} ms");
        }
        assert!(!is_stale(last, last - Duration::from_secs(600)), "a clock that lags makes nothing stale");
    }

    #[test]
    fn the_brake_needs_ten_leases_and_more_than_half_of_them() {
        for (live, expired, suspect) in
            [(0, 9, false), (0, 10, true), (5, 5, false), (5, 6, true), (100, 99, false), (0, 0, false)]
        {
            assert_eq!(suspect_ourselves(live, expired), suspect, "{live} live, {expired} expired");
        }
    }
}
