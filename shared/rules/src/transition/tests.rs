use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::fixtures::{NOW, ago, any_workspace, workspace};

type Cell = Result<Option<Status>, Refusal>;

const ON: Cell = Ok(Some(Status::Online));
const DEG: Cell = Ok(Some(Status::Degraded));
const OFF: Cell = Ok(Some(Status::Offline));
const PROV: Cell = Ok(Some(Status::Provisioning));
const FAIL: Cell = Ok(Some(Status::Failed));
const WAIT: Cell = Ok(Some(Status::AwaitingAgent));
const PAUS: Cell = Ok(Some(Status::Paused));
const HING: Cell = Ok(Some(Status::Hibernating));
const HIB: Cell = Ok(Some(Status::Hibernated));
const REM: Cell = Ok(Some(Status::Removed));
/// Allowed, and nothing changes.
const SAME: Cell = Ok(None);
const GONE: Cell = Err(Refusal::Removed);
const STOP: Cell = Err(Refusal::Stopped);
const ANC: Cell = Err(Refusal::PausedAncestor);
const EXT: Cell = Err(Refusal::External);
const BUSY: Cell = Err(Refusal::Busy);
const NO: Cell = Err(Refusal::WrongStatus);

const fn auto_restart(external: bool, paused_ancestor: bool) -> Trigger {
    Trigger::AutoRestart { external, paused_ancestor }
}

const fn restart(external: bool, paused_ancestor: bool) -> Trigger {
    Trigger::Restart { external, paused_ancestor }
}

const fn resume(external: bool, paused_ancestor: bool) -> Trigger {
    Trigger::Resume { external, paused_ancestor }
}

const fn hibernate(external: bool, busy: bool, force: bool) -> Trigger {
    Trigger::Hibernate { external, busy, force }
}

const fn timeout(waited: u64, limit: u64) -> Trigger {
    Trigger::ProvisionTimeout { waited: Duration::from_secs(waited), limit: Duration::from_secs(limit) }
}

/// The whole table. Columns in the order of [`Status::ALL`]; the first is "there is no workspace yet".
#[rustfmt::skip]
const TABLE: &[(Trigger, Cell, [Cell; 10])] = &[
    //                                                      none   prov  onli  degr  offl  fail  wait  paus  hing  hibe  remo
    (Trigger::CreateManaged,                                PROV, [NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   GONE]),
    (Trigger::CreateExternal,                               WAIT, [NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   GONE]),
    (Trigger::Register,                                     NO,   [ON,   SAME, ON,   ON,   ON,   ON,   STOP, STOP, STOP, GONE]),
    (Trigger::Heartbeat { impaired: false },                NO,   [ON,   SAME, ON,   ON,   ON,   ON,   STOP, STOP, STOP, GONE]),
    (Trigger::Heartbeat { impaired: true },                 NO,   [DEG,  DEG,  SAME, DEG,  DEG,  DEG,  STOP, STOP, STOP, GONE]),
    (Trigger::LeaseExpired,                                 NO,   [NO,   OFF,  OFF,  NO,   NO,   NO,   NO,   NO,   NO,   GONE]),
    (Trigger::ContainerGone,                                NO,   [NO,   OFF,  OFF,  NO,   NO,   NO,   NO,   NO,   NO,   GONE]),
    (Trigger::ConnectionLost,                               NO,   [NO,   OFF,  OFF,  NO,   NO,   NO,   NO,   NO,   NO,   GONE]),
    (auto_restart(false, false),                            NO,   [NO,   NO,   NO,   PROV, NO,   NO,   NO,   NO,   NO,   GONE]),
    (auto_restart(false, true),                             NO,   [ANC,  ANC,  ANC,  ANC,  ANC,  ANC,  ANC,  ANC,  ANC,  GONE]),
    (auto_restart(true, false),                             NO,   [EXT,  EXT,  EXT,  EXT,  EXT,  EXT,  EXT,  EXT,  EXT,  GONE]),
    (auto_restart(true, true),                              NO,   [EXT,  EXT,  EXT,  EXT,  EXT,  EXT,  EXT,  EXT,  EXT,  GONE]),
    (restart(false, false),                                 NO,   [PROV, PROV, PROV, PROV, PROV, PROV, PROV, NO,   PROV, GONE]),
    (restart(false, true),                                  NO,   [ANC,  ANC,  ANC,  ANC,  ANC,  ANC,  ANC,  ANC,  ANC,  GONE]),
    (restart(true, false),                                  NO,   [EXT,  EXT,  EXT,  EXT,  EXT,  EXT,  EXT,  EXT,  EXT,  GONE]),
    (restart(true, true),                                   NO,   [EXT,  EXT,  EXT,  EXT,  EXT,  EXT,  EXT,  EXT,  EXT,  GONE]),
    (Trigger::StartFailed { same_generation: true },        NO,   [FAIL, NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   GONE]),
    (Trigger::StartFailed { same_generation: false },       NO,   [NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   GONE]),
    (timeout(600, 600),                                     NO,   [FAIL, NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   GONE]),
    (timeout(599, 600),                                     NO,   [NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   GONE]),
    (Trigger::Pause,                                        NO,   [PAUS, PAUS, PAUS, PAUS, PAUS, PAUS, SAME, PAUS, PAUS, GONE]),
    (resume(false, false),                                  NO,   [NO,   NO,   NO,   NO,   NO,   NO,   PROV, NO,   NO,   GONE]),
    (resume(false, true),                                   NO,   [ANC,  ANC,  ANC,  ANC,  ANC,  ANC,  ANC,  ANC,  ANC,  GONE]),
    (resume(true, false),                                   NO,   [NO,   NO,   NO,   NO,   NO,   NO,   WAIT, NO,   NO,   GONE]),
    (resume(true, true),                                    NO,   [ANC,  ANC,  ANC,  ANC,  ANC,  ANC,  ANC,  ANC,  ANC,  GONE]),
    (hibernate(false, false, false),                        NO,   [NO,   HING, HING, NO,   NO,   NO,   NO,   NO,   NO,   GONE]),
    (hibernate(false, true, false),                         NO,   [NO,   BUSY, BUSY, NO,   NO,   NO,   NO,   NO,   NO,   GONE]),
    (hibernate(false, false, true),                         NO,   [NO,   HING, HING, NO,   NO,   NO,   NO,   NO,   NO,   GONE]),
    (hibernate(false, true, true),                          NO,   [NO,   HING, HING, NO,   NO,   NO,   NO,   NO,   NO,   GONE]),
    (hibernate(true, false, true),                          NO,   [EXT,  EXT,  EXT,  EXT,  EXT,  EXT,  EXT,  EXT,  EXT,  GONE]),
    (hibernate(true, true, false),                          NO,   [EXT,  EXT,  EXT,  EXT,  EXT,  EXT,  EXT,  EXT,  EXT,  GONE]),
    (Trigger::HibernateStopped,                             NO,   [NO,   NO,   NO,   NO,   NO,   NO,   NO,   HIB,  NO,   GONE]),
    (Trigger::HibernateStopFailed { was_degraded: false },  NO,   [NO,   NO,   NO,   NO,   NO,   NO,   NO,   ON,   NO,   GONE]),
    (Trigger::HibernateStopFailed { was_degraded: true },   NO,   [NO,   NO,   NO,   NO,   NO,   NO,   NO,   DEG,  NO,   GONE]),
    (Trigger::Wake,                                         NO,   [NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   PROV, GONE]),
    (Trigger::Remove,                                       NO,   [REM,  REM,  REM,  REM,  REM,  REM,  REM,  REM,  REM,  SAME]),
];

/// Which rows of the specification a trigger carries out. A new trigger does not compile without an answer.
fn rows_of(trigger: Trigger) -> &'static [u8] {
    match trigger {
        Trigger::CreateManaged => &[1],
        Trigger::CreateExternal => &[2, 3],
        Trigger::Register => &[4],
        Trigger::Heartbeat { impaired: false } => &[5, 6, 7, 8, 12],
        Trigger::Heartbeat { impaired: true } => &[9, 10, 11],
        Trigger::LeaseExpired => &[13, 15],
        Trigger::ContainerGone => &[14],
        Trigger::ConnectionLost => &[16],
        Trigger::AutoRestart { .. } => &[17],
        Trigger::Restart { .. } => &[18],
        Trigger::StartFailed { .. } => &[19, 21],
        Trigger::ProvisionTimeout { .. } => &[20],
        Trigger::Pause => &[22],
        Trigger::Resume { .. } => &[23],
        Trigger::Hibernate { .. } | Trigger::HibernateStopped => &[24],
        Trigger::HibernateStopFailed { .. } => &[25],
        Trigger::Wake => &[26],
        Trigger::Remove => &[27],
    }
}

fn any_trigger() -> impl Strategy<Value = Trigger> {
    let triggers: Vec<_> = TABLE.iter().map(|(trigger, ..)| *trigger).collect();
    prop_oneof![select(triggers), (0_u64..4000, 0_u64..4000).prop_map(|(waited, limit)| timeout(waited, limit))]
}

#[test]
fn the_table() {
    for (trigger, created, cells) in TABLE {
        assert_eq!(next(None, *trigger), *created, "no workspace, {trigger:?}");
        for (from, expected) in Status::ALL.into_iter().zip(cells) {
            assert_eq!(next(Some(from), *trigger), *expected, "{from}, {trigger:?}");
        }
    }
}

#[test]
fn the_table_has_every_row_of_the_specification() {
    let covered: BTreeSet<u8> = TABLE.iter().flat_map(|(trigger, ..)| rows_of(*trigger)).copied().collect();
    assert_eq!(covered, (1..=27).collect());
}

#[test]
fn provisioning_times_out_by_the_age_of_the_status_alone() {
    let limit = Duration::from_secs(600);
    let mut hanging = workspace(Status::Provisioning);
    hanging.status_since = ago(601);
    hanging.updated_at = ago(1);
    let trigger = Trigger::provision_timeout(&hanging, limit, NOW);
    assert_eq!(next(Some(hanging.status), trigger), FAIL, "a patched name gives a hanging start no more time");

    let mut restarted = workspace(Status::Provisioning);
    restarted.status_since = ago(5);
    restarted.updated_at = ago(5000);
    restarted.created_at = ago(1_000_000);
    let trigger = Trigger::provision_timeout(&restarted, limit, NOW);
    assert_eq!(next(Some(restarted.status), trigger), NO, "an old workspace's new start has its full time");
}

proptest! {
    #[test]
    fn nothing_leaves_removed(trigger in any_trigger()) {
        let expected = if trigger == Trigger::Remove { Ok(None) } else { Err(Refusal::Removed) };
        prop_assert_eq!(next(Some(Status::Removed), trigger), expected);
    }

    /// The one exception is a new start of a workspace that is starting: a new generation, whose time counts anew.
    #[test]
    fn a_transition_never_targets_the_same_status(from in select(Status::ALL.to_vec()), trigger in any_trigger()) {
        let new_start = from == Status::Provisioning && matches!(trigger, Trigger::Restart { .. });
        if let Ok(Some(to)) = next(Some(from), trigger) {
            prop_assert!(to != from || new_start, "{from}, {trigger:?}");
        }
    }

    #[test]
    fn the_stopped_are_brought_back_by_no_agent(
        from in select(vec![Status::Paused, Status::Hibernating, Status::Hibernated]),
        trigger in any_trigger(),
    ) {
        let agents = matches!(trigger, Trigger::Register | Trigger::Heartbeat { .. });
        let to = next(Some(from), trigger);
        prop_assert!(!agents || to == Err(Refusal::Stopped));
        // Only a stop that failed makes it live again without a new start.
        let live = to.is_ok_and(|to| to.is_some_and(Status::is_live));
        let stop_failed = matches!(trigger, Trigger::HibernateStopFailed { .. });
        prop_assert!(!live || stop_failed);
    }

    #[test]
    fn only_a_status_that_claims_life_can_be_found_dead(
        from in select(Status::ALL.to_vec()),
        trigger in select(vec![Trigger::LeaseExpired, Trigger::ContainerGone, Trigger::ConnectionLost]),
    ) {
        prop_assert_eq!(next(Some(from), trigger).is_ok(), from.is_live());
    }

    #[test]
    fn provisioning_timeout_counts_from_status_since(record in any_workspace(), limit in 1_u64..4000, written in 0_u64..9000) {
        let mut record = record;
        record.updated_at = ago(written);
        let limit = Duration::from_secs(limit);
        let due = record.status == Status::Provisioning && NOW.since(record.status_since) >= limit;
        let to = next(Some(record.status), Trigger::provision_timeout(&record, limit, NOW));
        prop_assert_eq!(to == FAIL, due);
    }
}
