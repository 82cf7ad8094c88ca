//! A workspace, its lease and its heartbeat with sensible defaults, and random ones of each.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use uuid::Uuid;

use crate::cron::Cron;
use crate::delivery::{Delivery, DeliveryMode};
use crate::field::WorkspaceAccess;
use crate::heartbeat::{WEDGED, Windows};
use crate::id::{MessageId, ScheduleId, WorkspaceId};
use crate::lease::{Beat, Lease, RegisterState};
use crate::message::{Caller, Message, Priority, State};
use crate::reason::{ReasonCode, StatusReason};
use crate::schedule::Schedule;
use crate::start::Start;
use crate::status::Status;
use crate::tier::Tier;
use crate::time::Timestamp;
use crate::workspace::{AuthFailure, RegisterFailure, Workspace};

/// The instant at which everything is decided.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
/// The workspace that tests are about.
pub(crate) const ID: WorkspaceId = WorkspaceId::new(Uuid::from_u128(1));
/// Another one.
pub(crate) const OTHER: WorkspaceId = WorkspaceId::new(Uuid::from_u128(2));
/// The windows of the specification.
pub(crate) const WINDOWS: Windows =
    Windows { register_failure: Duration::from_secs(300), auth_grace: Duration::from_secs(60) };
/// An agent card.
pub(crate) const CARD: &str = r#"{"name":"agent"}"#;
/// What a heartbeat can find wrong.
pub(crate) const CAUSES: [ReasonCode; 5] = [
    ReasonCode::RuntimeWedged,
    ReasonCode::RegisterFailed,
    ReasonCode::AuthFailing,
    ReasonCode::ErrorRate,
    ReasonCode::QueueStarved,
];

/// That many seconds before [`NOW`].
pub(crate) fn ago(seconds: u64) -> Timestamp {
    NOW - Duration::from_secs(seconds)
}

/// That many seconds after [`NOW`].
pub(crate) fn ahead(seconds: u64) -> Timestamp {
    NOW + Duration::from_secs(seconds)
}

/// A reason that has held for a while.
pub(crate) fn reason(code: ReasonCode) -> StatusReason {
    StatusReason::new(code, ago(500), format!("seen: {code:?}"))
}

/// A provisioned workspace that has registered, in `status` for 100 s, with a reason where the status asks for one.
pub(crate) fn workspace(status: Status) -> Workspace {
    let status_reasons = match status {
        Status::Degraded => vec![reason(ReasonCode::ErrorRate)],
        Status::Offline => vec![reason(ReasonCode::HeartbeatLost)],
        Status::Failed => vec![reason(ReasonCode::ProvisionTimeout)],
        _ => Vec::new(),
    };
    Workspace {
        id: ID,
        org: "default".to_owned(),
        version: 7,
        name: "agent".to_owned(),
        role: None,
        tier: Tier::Standard,
        status,
        status_since: ago(100),
        status_reasons,
        parent_id: None,
        runtime: "claude-code".to_owned(),
        command: None,
        model: None,
        delivery: Delivery { mode: DeliveryMode::Push, explicit: false },
        url: Some("https://agent.example.com/".to_owned()),
        url_assigned: false,
        agent_card: Some(CARD.to_owned()),
        max_concurrent_tasks: 1,
        generation: 3,
        bootstrap_open: false,
        register_failure: None,
        auth_failure: None,
        inbound_secret: "secret".to_owned(),
        workspace_dir: None,
        workspace_access: WorkspaceAccess::None,
        hibernation_idle_minutes: None,
        start: Start::default(),
        secrets_revision: 0,
        secrets_seen: 0,
        team: Vec::new(),
        budget_limit: None,
        monthly_spend: 0,
        x: 0.0,
        y: 0.0,
        collapsed: false,
        last_beat: None,
        created_at: ago(100_000),
        updated_at: ago(100),
    }
}

/// The lease of `workspace`, renewed 10 s ago, live for 50 s more.
pub(crate) fn lease(workspace: &Workspace) -> Lease {
    Lease {
        workspace_id: workspace.id,
        lease_until: ahead(50),
        status: workspace.status,
        delivery_mode: workspace.delivery.mode,
        max_concurrent_tasks: workspace.max_concurrent_tasks,
        generation: workspace.generation,
        digests: BTreeMap::from([("digest".to_owned(), workspace.generation)]),
        open: workspace.bootstrap_open,
        work: false,
        control: workspace.wants_control(),
        busy_since: None,
        active_at: None,
        idle_minutes: None,
        monthly_spend: 0,
        beat: Beat { at: ago(10), ..Beat::default() },
    }
}

/// The same lease, run out 30 s ago.
pub(crate) fn run_out(workspace: &Workspace) -> Lease {
    Lease { lease_until: ago(30), beat: Beat { at: ago(90), ..Beat::default() }, ..lease(workspace) }
}

/// A healthy, idle heartbeat that arrives now.
pub(crate) fn beat() -> Beat {
    Beat { at: NOW, uptime_seconds: 60, ..Beat::default() }
}

/// `beat` of a runtime that declares `capability`.
pub(crate) fn declaring(capability: &str, beat: Beat) -> Beat {
    Beat { capabilities: BTreeMap::from([(capability.to_owned(), true)]), ..beat }
}

/// A stored workspace of any status: with reasons exactly where the status asks for them.
pub(crate) fn any_workspace() -> impl Strategy<Value = Workspace> {
    let status = select(Status::ALL.to_vec());
    let causes = subsequence(CAUSES.to_vec(), 1..=CAUSES.len());
    let register_failure = proptest::option::of(0_u64..600);
    let auth_failure = proptest::option::of((0_u64..600, 0_u64..600));
    (status, causes, 0_u64..10_000, register_failure, auth_failure, any::<bool>(), any::<bool>()).prop_map(
        |(status, causes, age, register_failure, auth_failure, card, external)| {
            let mut record = workspace(status);
            if status == Status::Degraded {
                record.status_reasons = causes.into_iter().map(reason).collect();
            }
            record.status_since = ago(age);
            record.register_failure = register_failure
                .map(|seconds| RegisterFailure { at: ago(seconds), code: "url_validate_failed".to_owned() });
            record.auth_failure =
                auth_failure.map(|(one, two)| AuthFailure { since: ago(one.max(two)), last: ago(one.min(two)) });
            record.agent_card = card.then(|| CARD.to_owned());
            if external {
                record.runtime = crate::workspace::EXTERNAL_RUNTIME.to_owned();
            }
            record
        },
    )
}

/// A lease of [`ID`], live, run out or missing.
pub(crate) fn any_lease() -> impl Strategy<Value = Option<Lease>> {
    proptest::option::weighted(0.8, (-120_000_i64..60_000, 0_u64..120)).prop_map(|drawn| {
        drawn.map(|(until, beat_age)| Lease {
            lease_until: Timestamp::from_millis(NOW.millis() + until),
            beat: Beat { at: ago(beat_age), ..Beat::default() },
            ..lease(&workspace(Status::Online))
        })
    })
}

/// A heartbeat that arrives now and says anything that matters to the status.
pub(crate) fn any_beat() -> impl Strategy<Value = Beat> {
    let rate = prop_oneof![select(vec![0.0, 0.09, 0.1, 0.49, 0.5, 1.0]), 0.0..=1.0];
    let state = select(vec!["", "", WEDGED, "warming_up"]);
    let code = proptest::option::of(select(vec![0_u16, 200, 400, 401, 503]));
    let register = proptest::option::of((any::<bool>(), code, proptest::option::of(0_u64..200)));
    (rate, state, any::<bool>(), register, 0_u32..4).prop_map(
        |(error_rate, state, own_status, register, active_tasks)| {
            let plain = Beat { error_rate, runtime_state: state.to_owned(), active_tasks, ..beat() };
            let plain = if own_status { declaring("status_mgmt", plain) } else { plain };
            let register_state = register.map(|(ok, last_code, since)| RegisterState {
                ok,
                last_code,
                attempts: u32::from(!ok),
                failing_since: since.filter(|_| !ok).map(ago),
            });
            Beat { register_state, ..plain }
        },
    )
}

/// A message to [`ID`] that waits in its lane for an hour at most.
pub(crate) fn queued() -> Message {
    Message {
        id: MessageId::new(Uuid::from_u128(3)),
        org: "default".to_owned(),
        target: ID,
        caller: Caller::Workspace(OTHER),
        method: "message/send".to_owned(),
        message_id: "m-1".to_owned(),
        context_id: Some("c-1".to_owned()),
        a2a_version: None,
        priority: Priority::Task,
        state: State::Queued,
        version: 2,
        body_digest: "digest".to_owned(),
        attempts: 0,
        send_epoch: 1,
        sent_at: Some(ago(20)),
        slot: None,
        slot_epoch: 0,
        fetched: false,
        generation: 3,
        accepted_at: ago(20),
        dispatched_at: None,
        finished_at: None,
        deadline: ahead(3600),
        not_before: None,
        reason: None,
        receipt: None,
        answer: None,
        streamed: None,
        delegation: None,
        fire: None,
        trace: None,
        timeline: Vec::new(),
    }
}

/// A schedule of [`ID`] that fires each half hour, next in 10 minutes.
pub(crate) fn schedule() -> Schedule {
    let id = ScheduleId::new(Uuid::from_u128(7));
    let cron = Cron::new("*/30 * * * *", "UTC").unwrap();
    let schedule = Schedule::new(id, ID, "check".to_owned(), &cron, ago(9000));
    Schedule { next_fire: Some(ahead(600)), ..schedule }
}
