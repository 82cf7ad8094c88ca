use super::*;
use crate::fixtures::{CARD, NOW, ago, lease, reason, run_out, workspace};
use crate::reason::ReasonCode;
use crate::workspace::{AuthFailure, RegisterFailure};

const URL: &str = "https://agent.example.com/";

fn call() -> Call {
    Call { mode: None, url: Some(URL.to_owned()), agent_card: CARD.to_owned() }
}

/// The effect of a register under a live lease.
fn registered(workspace: &Workspace, call: Call) -> Option<(Workspace, Vec<Event>)> {
    apply(workspace, Some(&lease(workspace)), call, NOW).unwrap()
}

fn kinds(events: &[Event]) -> Vec<EventType> {
    events.iter().map(|event| event.kind).collect()
}

#[test]
fn it_brings_the_workspace_online_from_wherever_it_may() {
    for from in [Status::Provisioning, Status::AwaitingAgent, Status::Offline, Status::Failed, Status::Degraded] {
        let (after, events) = registered(&workspace(from), call()).unwrap();
        assert_eq!((after.status, after.status_since), (Status::Online, NOW), "{from}");
        assert!(after.status_reasons.is_empty(), "{from}");
        assert_eq!(kinds(&events), [EventType::WorkspaceOnline], "{from}");
        assert_eq!(events[0].payload, json!({ "url": URL, "delivery_mode": "push", "recovered_from": from }));
    }
}

#[test]
fn the_stopped_and_the_removed_are_refused() {
    for (status, refusal) in [
        (Status::Paused, Refusal::Stopped),
        (Status::Hibernating, Refusal::Stopped),
        (Status::Hibernated, Refusal::Stopped),
        (Status::Removed, Refusal::Removed),
    ] {
        let record = workspace(status);
        assert_eq!(apply(&record, Some(&lease(&record)), call(), NOW), Err(refusal), "{status}");
    }
}

#[test]
fn an_unchanged_online_workspace_is_left_as_it_is() {
    assert_eq!(registered(&workspace(Status::Online), call()), None);
    // And a register is its own fixed point.
    let (after, _) = registered(&workspace(Status::Provisioning), call()).unwrap();
    assert_eq!(registered(&after, call()), None);
}

#[test]
fn a_lease_that_ran_out_makes_it_a_recovery() {
    let record = workspace(Status::Online);
    for lease in [Some(run_out(&record)), None] {
        let (after, events) = apply(&record, lease.as_ref(), call(), NOW).unwrap().unwrap();
        assert_eq!((after.status, after.status_since), (Status::Online, NOW));
        assert_eq!(kinds(&events), [EventType::WorkspaceOnline]);
        assert_eq!(events[0].payload["recovered_from"], json!("offline"));
    }
}

#[test]
fn it_clears_what_failed_registers_left() {
    let record = Workspace {
        register_failure: Some(RegisterFailure { at: ago(5), code: "url_validate_failed".to_owned() }),
        auth_failure: Some(AuthFailure { since: ago(90), last: ago(5) }),
        ..workspace(Status::Online)
    };
    let (after, events) = registered(&record, call()).unwrap();
    assert_eq!((after.register_failure, after.auth_failure), (None, None));
    assert!(events.is_empty(), "the status did not change");
    let degraded = Workspace { status_reasons: vec![reason(ReasonCode::AuthFailing)], ..workspace(Status::Degraded) };
    assert_eq!(registered(&degraded, call()).unwrap().0.status, Status::Online);
}

#[test]
fn what_changed_is_told_and_nothing_else() {
    let online = workspace(Status::Online);
    let new_card = Call { agent_card: r#"{"name":"new"}"#.to_owned(), ..call() };
    let (after, events) = registered(&online, new_card.clone()).unwrap();
    assert_eq!(after.agent_card.as_deref(), Some(r#"{"name":"new"}"#));
    assert_eq!(after.status_since, online.status_since, "it was online all the time");
    assert_eq!(kinds(&events), [EventType::AgentCardUpdated]);

    let (_, events) = registered(&workspace(Status::Offline), new_card).unwrap();
    assert_eq!(kinds(&events), [EventType::WorkspaceOnline], "one event tells the return");

    let moved = Call { url: Some("https://moved.example.com/".to_owned()), ..call() };
    let (after, events) = registered(&online, moved).unwrap();
    assert_eq!(after.url.as_deref(), Some("https://moved.example.com/"));
    assert!(events.is_empty());
}

#[test]
fn an_assigned_url_is_kept() {
    let record = Workspace {
        url: Some("http://127.0.0.1:41000/".to_owned()),
        url_assigned: true,
        ..workspace(Status::Provisioning)
    };
    let (after, _) = registered(&record, Call { url: Some("http://212851b5693d:8000/".to_owned()), ..call() }).unwrap();
    assert_eq!(after.url, record.url);
    assert!(after.url_assigned);
}

/// Incident A's deeper cause: a row that says poll, and a runtime that could be called.
#[test]
fn stale_poll_mode_heals_at_register() {
    for explicit in [false, true] {
        let record =
            Workspace { delivery: Delivery { mode: DeliveryMode::Poll, explicit }, ..workspace(Status::Online) };
        let (after, events) = registered(&record, call()).unwrap();
        assert_eq!(after.delivery, Delivery { mode: DeliveryMode::Push, explicit: false });
        assert_eq!(kinds(&events), [EventType::DeliveryModeChanged]);
        assert_eq!(events[0].payload, json!({ "from": "poll", "to": "push", "reason": "register without a mode" }));
        assert_eq!(registered(&after, call()), None, "healed once");
    }
}

#[test]
fn a_mode_that_is_asked_for_is_taken_and_stays() {
    let poll = Call { mode: Some(DeliveryMode::Poll), url: None, ..call() };
    let (after, events) = registered(&workspace(Status::Online), poll.clone()).unwrap();
    assert_eq!(after.delivery, Delivery { mode: DeliveryMode::Poll, explicit: true });
    assert_eq!(after.url, None);
    assert_eq!(kinds(&events), [EventType::DeliveryModeChanged]);
    assert_eq!(events[0].payload["reason"], json!("explicit"));
    assert_eq!(registered(&after, Call { mode: None, ..poll }), None, "it need not be repeated");
}

#[test]
fn it_touches_nothing_that_is_not_its_own() {
    let record = workspace(Status::Failed);
    let (after, _) = registered(&record, call()).unwrap();
    let expected = Workspace { status: Status::Online, status_since: NOW, status_reasons: Vec::new(), ..record };
    assert_eq!(after, expected, "version and updated_at are the caller's to raise");
}
