use super::*;
use crate::delivery::{Delivery, DeliveryMode};
use crate::fixtures::{NOW, ago, ahead, lease, reason, run_out, workspace};
use crate::liveness::effective;
use crate::slots::Contact;
use crate::workspace::{AuthFailure, RegisterFailure};

const MAX_TURN: Duration = Duration::from_secs(3600);

fn assessed(record: &Workspace, lease: Option<&Lease>, slots: &Slots) -> Health {
    assess(record, lease, slots, &effective(record, lease, NOW), NOW, MAX_TURN)
}

/// Under a live lease, with nothing ever delivered.
fn alive(record: &Workspace) -> Health {
    assessed(record, Some(&lease(record)), &Slots::default())
}

fn degraded_by(code: ReasonCode) -> Workspace {
    Workspace { status_reasons: vec![reason(code)], ..workspace(Status::Degraded) }
}

fn contacted(reached: bool) -> Slots {
    let contact = Contact { at: ago(5), reached, evidence: "connection refused".to_owned() };
    Slots { last_contact: Some(contact), ..Slots::default() }
}

#[test]
fn process() {
    for (status, live, state) in [
        (Status::Online, true, State::Ok),
        (Status::Degraded, true, State::Ok),
        (Status::Online, false, State::Failing),
        (Status::Degraded, false, State::Failing),
        (Status::Offline, false, State::Failing),
        (Status::Failed, false, State::Failing),
        // A lease that is left from before the stop or the new start proves nothing either way.
        (Status::Provisioning, true, State::Unknown),
        (Status::Provisioning, false, State::Unknown),
        (Status::Paused, true, State::Unknown),
        (Status::Paused, false, State::Unknown),
        (Status::Hibernated, false, State::Unknown),
        (Status::AwaitingAgent, false, State::Unknown),
        (Status::Removed, false, State::Unknown),
    ] {
        let record = workspace(status);
        let lease = if live { lease(&record) } else { run_out(&record) };
        let health = assessed(&record, Some(&lease), &Slots::default());
        assert_eq!(health.process.state, state, "{status}, live lease: {live}");
    }
    assert_eq!(assessed(&workspace(Status::AwaitingAgent), None, &Slots::default()).process.state, State::Unknown);
    let wedged = degraded_by(ReasonCode::RuntimeWedged);
    assert_eq!(alive(&wedged).process, part(State::Failing, "seen: RuntimeWedged"));
    let gone = Workspace { status_reasons: vec![reason(ReasonCode::ContainerGone)], ..workspace(Status::Offline) };
    assert_eq!(assessed(&gone, None, &Slots::default()).process, part(State::Failing, "seen: ContainerGone"));
}

#[test]
fn registration() {
    let online = workspace(Status::Online);
    let marker = RegisterFailure { at: ago(5), code: "url_validate_failed".to_owned() };
    let failure = AuthFailure { since: ago(90), last: ago(5) };
    for (name, record, state) in [
        ("registered", online.clone(), State::Ok),
        ("never registered", Workspace { agent_card: None, ..online.clone() }, State::Unknown),
        ("failed last", Workspace { register_failure: Some(marker), ..online.clone() }, State::Failing),
        ("lost its credential", Workspace { auth_failure: Some(failure), ..online }, State::Failing),
        ("reports that it is refused", degraded_by(ReasonCode::AuthFailing), State::Failing),
        ("degraded for something else", degraded_by(ReasonCode::ErrorRate), State::Ok),
    ] {
        assert_eq!(alive(&record).registration.state, state, "{name}");
    }
    let dead = Workspace { auth_failure: Some(failure), ..workspace(Status::Online) };
    let health = assessed(&dead, Some(&run_out(&dead)), &Slots::default());
    assert_eq!(health.registration.state, State::Failing, "a lost credential shows also when the lease ran out for it");
}

#[test]
fn reachability() {
    let push = workspace(Status::Online);
    let poll = Workspace { delivery: Delivery { mode: DeliveryMode::Poll, explicit: true }, ..push.clone() };
    for (name, record, slots, state) in [
        ("nothing delivered yet", &push, Slots::default(), State::Unknown),
        ("answered", &push, contacted(true), State::Ok),
        ("refused", &push, contacted(false), State::Failing),
        ("never called", &poll, contacted(false), State::Unknown),
    ] {
        let health = assessed(record, Some(&lease(record)), &slots);
        assert_eq!(health.reachability.state, state, "{name}");
    }
    let refused = assessed(&push, Some(&lease(&push)), &contacted(false)).reachability.evidence;
    assert!(refused.starts_with("connection refused at "), "{refused}");
}

#[test]
fn drain() {
    let online = workspace(Status::Online);
    let working = Lease { work: true, ..lease(&online) };
    assert_eq!(alive(&online).drain, part(State::Ok, "no open messages"));
    assert_eq!(assessed(&online, Some(&working), &Slots::default()).drain, part(State::Ok, "messages are open"));
    assert_eq!(alive(&degraded_by(ReasonCode::QueueStarved)).drain.state, State::Failing);
    assert_eq!(assessed(&online, Some(&run_out(&online)), &Slots::default()).drain.state, State::Unknown);
}

#[test]
fn progress() {
    let online = workspace(Status::Online);
    for (name, busy_since, until, state) in [
        ("idle", None, ahead(50), State::Ok),
        ("busy", Some(ago(3600)), ahead(50), State::Ok),
        ("over the ceiling", Some(ago(3601)), ahead(50), State::Failing),
        ("dead", Some(ago(9999)), ago(1), State::Unknown),
    ] {
        let lease = Lease { busy_since, lease_until: until, ..lease(&online) };
        let health = assessed(&online, Some(&lease), &Slots::default());
        assert_eq!(health.progress.state, state, "{name}");
    }
}

#[test]
fn every_part_has_its_evidence_in_every_status() {
    for status in Status::ALL {
        let record = workspace(status);
        for lease in [None, Some(lease(&record)), Some(run_out(&record))] {
            let health = assessed(&record, lease.as_ref(), &Slots::default());
            for part in [health.process, health.registration, health.reachability, health.drain, health.progress] {
                assert!(!part.evidence.is_empty(), "{status}: {part:?}");
            }
        }
    }
}
