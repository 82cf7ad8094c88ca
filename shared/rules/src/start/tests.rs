use std::time::Duration;

use super::*;
use crate::delivery::DeliveryMode;
use crate::engine::StartCause;
use crate::fixtures::{NOW, ago, workspace};
use crate::tier::Tier;

const LIMITS: Limits = Limits {
    silence: Duration::from_secs(180),
    backoff: Duration::from_secs(10),
    debounce: Duration::from_secs(5),
    attempts: 5,
    stable_after: Duration::from_secs(300),
};
const TIER: TierLimits = TierLimits { memory_mb: 512, cpu_shares: 1024 };

fn started(status: Status, seconds_ago: u64) -> Workspace {
    let mut record = begin(&workspace(Status::Offline), Status::Provisioning, "test", "new".into(), ago(seconds_ago));
    record.status = status;
    record
}

#[test]
fn a_new_generation_fences_the_old_one_and_derives_everything_anew() {
    let mut before = workspace(Status::Degraded);
    before.delivery = Delivery { mode: DeliveryMode::Poll, explicit: true };
    before.bootstrap_open = true;
    before.secrets_revision = 4;
    before.start.again = true;
    before.start.deaths = 2;
    let after = begin(&before, Status::Provisioning, "asked for", "new".into(), NOW);
    assert_eq!((after.generation, after.version), (before.generation + 1, before.version + 1));
    assert_eq!((after.url.as_deref(), after.url_assigned, after.bootstrap_open), (None, true, false));
    assert_eq!(after.delivery, Delivery::default(), "a stale poll mode does not outlive a start");
    assert_eq!(after.agent_card, before.agent_card, "the card stays until there is another");
    assert_eq!((after.start.again, after.start.deaths, after.start.launched), (false, 2, false));
    assert_eq!(after.inbound_secret, "new");
    assert!(after.status_reasons.is_empty() && !is_outdated(&after));
}

#[test]
fn many_restarts_at_once_are_one_and_one_more_where_something_changed() {
    for (status, age, changed, expected) in [
        (Status::Provisioning, 0, false, Restart::UnderWay),
        (Status::Provisioning, 59, false, Restart::UnderWay),
        (Status::Provisioning, 60, false, Restart::Begin(Status::Provisioning)),
        (Status::Provisioning, 1, true, Restart::Again),
        (Status::Online, 4, false, Restart::UnderWay),
        (Status::Online, 4, true, Restart::Again),
        (Status::Online, 5, false, Restart::Begin(Status::Provisioning)),
        (Status::Degraded, 100, false, Restart::Begin(Status::Provisioning)),
        (Status::Offline, 1, false, Restart::Begin(Status::Provisioning)),
        (Status::Failed, 1, false, Restart::Begin(Status::Provisioning)),
        (Status::Paused, 1, false, Restart::Begin(Status::Provisioning)),
    ] {
        let mut record = started(status, age);
        if changed {
            record.tier = Tier::Sandboxed;
        }
        assert_eq!(restart(&record, false, NOW, LIMITS), Ok(expected), "{status}, {age} s, changed: {changed}");
    }
    let never_started = workspace(Status::Online);
    assert_eq!(restart(&never_started, false, NOW, LIMITS), Ok(Restart::Begin(Status::Provisioning)));
    for (record, paused, refusal) in [
        (workspace(Status::Removed), false, Refusal::Removed),
        (Workspace { runtime: "external".into(), ..workspace(Status::Online) }, false, Refusal::External),
        (workspace(Status::Online), true, Refusal::PausedAncestor),
        (workspace(Status::Hibernating), false, Refusal::WrongStatus),
    ] {
        assert_eq!(restart(&record, paused, NOW, LIMITS), Err(refusal));
    }
}

#[test]
fn a_death_counts_once_wherever_the_news_comes_from() {
    let exit = Exit { code: Some(1), ..Exit::default() };
    for (status, counts) in [
        (Status::Provisioning, true),
        (Status::Online, true),
        (Status::Degraded, true),
        (Status::Offline, true),
        (Status::Failed, false),
        (Status::AwaitingAgent, false),
        (Status::Paused, false),
        (Status::Hibernating, false),
        (Status::Hibernated, false),
        (Status::Removed, false),
    ] {
        let record = started(status, 20);
        let Some((after, event)) = died(&record, &exit, TIER, NOW, LIMITS) else {
            assert!(!counts, "{status}");
            continue;
        };
        assert!(counts, "{status}");
        assert_eq!((after.status, after.start.deaths), (Status::Offline, 1));
        assert_eq!(after.start.restart_at, Some(NOW), "the first restart is at once");
        assert_eq!(after.status_reasons[0].code, ReasonCode::ContainerGone);
        assert_eq!(event.kind, EventType::WorkspaceOffline);
        assert_eq!(died(&after, &exit, TIER, NOW, LIMITS), None, "{status}: the same news again");
    }
}

#[test]
fn what_the_platform_itself_has_stopped_is_no_death_and_starts_again_at_once() {
    let mut record = started(Status::Online, 20);
    record.start.deaths = 5;
    let exit = Exit { code: Some(0), stopped: true, ..Exit::default() };
    let (after, _) = died(&record, &exit, TIER, NOW, LIMITS).unwrap();
    assert_eq!((after.status, after.start.deaths, after.start.restart_at), (Status::Offline, 5, Some(NOW)));
}

#[test]
fn a_crash_loop_ends_as_failed_and_says_what_happened_last() {
    let mut record = started(Status::Provisioning, 2);
    record.start.deaths = 5;
    let exit = Exit { code: Some(137), out_of_memory: true, ..Exit::default() };
    let (after, event) = died(&record, &exit, TIER, NOW, LIMITS).unwrap();
    assert_eq!((after.status, after.start.restart_at), (Status::Failed, None));
    let codes: Vec<_> = after.status_reasons.iter().map(|reason| reason.code).collect();
    assert_eq!(codes, [ReasonCode::CrashLoop, ReasonCode::OutOfMemory]);
    assert!(after.status_reasons[0].evidence.contains("out of memory at 512 MiB in tier 2"));
    assert_eq!(event.kind, EventType::WorkspaceProvisionFailed);
}

#[test]
fn a_start_that_may_succeed_later_stays_and_shows_why() {
    let record = started(Status::Provisioning, 2);
    let failure = |cause| StartFailure { cause, evidence: "seen".into() };
    let (after, event) = not_started(&record, &failure(StartCause::EngineUnreachable), NOW).unwrap();
    assert_eq!((after.status, event), (Status::Provisioning, None));
    assert_eq!(after.status_reasons[0].code, ReasonCode::EngineUnreachable);
    assert_eq!(not_started(&after, &failure(StartCause::EngineUnreachable), NOW), None, "said once");
    let (after, event) = not_started(&record, &failure(StartCause::ImageMissing), NOW).unwrap();
    assert_eq!(after.status, Status::Failed);
    assert_eq!(event.unwrap().kind, EventType::WorkspaceProvisionFailed);
    assert_eq!(not_started(&started(Status::Paused, 2), &failure(StartCause::ImageMissing), NOW), None);
}

#[test]
fn a_start_that_takes_too_long_has_failed() {
    let limit = Duration::from_secs(600);
    for (status, age, fails) in [
        (Status::Provisioning, 600, true),
        (Status::Provisioning, 599, false),
        (Status::Online, 600, false),
        (Status::Paused, 600, false),
    ] {
        let record = started(status, age);
        let Some((after, event)) = timed_out(&record, limit, "seen", NOW) else {
            assert!(!fails, "{status:?} for {age} s");
            continue;
        };
        assert!(fails && after.status == Status::Failed, "{status:?} for {age} s");
        assert_eq!((after.version, after.status_since), (record.version + 1, NOW));
        assert_eq!((&after.status_reasons[0].code, after.status_reasons.len()), (&ReasonCode::ProvisionTimeout, 1));
        assert_eq!((event.kind, &event.payload["timeout_secs"]), (EventType::WorkspaceProvisionFailed, &json!(600)));
    }
}

#[test]
fn a_changed_secret_asks_for_one_more_start_unless_the_runtime_has_fetched_it() {
    let mut record = started(Status::Online, 20);
    record.secrets_revision = record.secrets_seen + 2;
    assert!(is_outdated(&record));
    record.secrets_seen += 2;
    assert!(!is_outdated(&record));
}

#[test]
fn a_kill_for_memory_that_is_outlived_is_told_once_a_minute() {
    let live = started(Status::Online, 600);
    let (after, event) = memory_killed(&live, TIER, NOW).unwrap();
    assert_eq!((after.status, after.start.memory_killed_at), (Status::Online, Some(NOW)));
    assert_eq!(event.kind, EventType::WorkspaceOutOfMemory);
    assert_eq!(event.payload["evidence"], "something in it was killed: out of memory at 512 MiB in tier 2");
    assert_eq!(memory_killed(&after, TIER, NOW), None);
    let mut before = live.clone();
    before.start.memory_killed_at = Some(ago(60));
    assert!(memory_killed(&before, TIER, NOW).is_some());
    for status in [Status::Paused, Status::Hibernated, Status::Failed, Status::Removed] {
        assert_eq!(memory_killed(&started(status, 600), TIER, NOW), None, "{status}");
    }
    assert_eq!(begin(&after, Status::Provisioning, "r", "s".into(), NOW).start.memory_killed_at, None);
}
