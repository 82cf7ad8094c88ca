use super::*;
use crate::fixtures::{CARD, NOW, WINDOWS, ago, beat, declaring, lease, reason, run_out, workspace};
use crate::lease::RegisterState;
use crate::workspace::{AuthFailure, RegisterFailure};

/// The verdict on a beat without a card, under a live lease.
fn judge(workspace: &Workspace, beat: &Beat) -> Verdict {
    evaluate(workspace, Some(&lease(workspace)), beat, observed(false), NOW, WINDOWS).unwrap()
}

fn judge_with_card(workspace: &Workspace, beat: &Beat) -> Verdict {
    evaluate(workspace, Some(&lease(workspace)), beat, observed(true), NOW, WINDOWS).unwrap()
}

/// Nothing but the card is observed beside the beat.
pub(super) fn observed(card: bool) -> Observed<'static> {
    Observed { card, starved: None }
}

fn codes(verdict: &Verdict) -> Vec<ReasonCode> {
    verdict.reasons.iter().map(|reason| reason.code).collect()
}

fn degraded_by(code: ReasonCode) -> Workspace {
    Workspace { status_reasons: vec![reason(code)], ..workspace(Status::Degraded) }
}

fn failing(error_rate: f64) -> Beat {
    Beat { error_rate, sample_error: "boom".to_owned(), ..beat() }
}

fn in_state(runtime_state: &str) -> Beat {
    Beat { runtime_state: runtime_state.to_owned(), ..beat() }
}

fn marked(status: Status, seconds_ago: u64) -> Workspace {
    let marker = RegisterFailure { at: ago(seconds_ago), code: "url_validate_failed".to_owned() };
    let status_reasons = match status {
        Status::Degraded => vec![reason(ReasonCode::RegisterFailed)],
        _ => Vec::new(),
    };
    Workspace { register_failure: Some(marker), status_reasons, ..workspace(status) }
}

fn register_answers(code: Option<u16>, failing_for: u64) -> Beat {
    let state = RegisterState { ok: false, last_code: code, attempts: 4, failing_since: Some(ago(failing_for)) };
    Beat { register_state: Some(state), ..beat() }
}

#[test]
fn the_error_rate_degrades_at_a_half_and_recovers_below_a_tenth() {
    for (from, rate, to) in [
        (Status::Online, 0.0, Status::Online),
        (Status::Online, 0.49, Status::Online),
        (Status::Online, 0.5, Status::Degraded),
        (Status::Online, 1.0, Status::Degraded),
        (Status::Degraded, 0.5, Status::Degraded),
        (Status::Degraded, 0.1, Status::Degraded),
        (Status::Degraded, 0.09, Status::Online),
        (Status::Degraded, 0.0, Status::Online),
    ] {
        let verdict = judge(&workspace(from), &failing(rate));
        assert_eq!(verdict.status, to, "{from} at {rate}");
        assert_eq!(verdict.event.is_some(), from != to, "{from} at {rate}");
    }
}

#[test]
fn a_rate_between_the_thresholds_keeps_degraded_what_is_and_blames_itself_for_nothing_else() {
    let wedged = Beat { runtime_state: WEDGED.to_owned(), ..failing(0.3) };
    let stays = judge(&degraded_by(ReasonCode::RuntimeWedged), &wedged);
    assert_eq!((codes(&stays), stays.changed), (vec![ReasonCode::RuntimeWedged], false));
    let unstuck = judge(&degraded_by(ReasonCode::RuntimeWedged), &failing(0.3));
    assert_eq!((unstuck.status, codes(&unstuck)), (Status::Degraded, vec![ReasonCode::ErrorRate]));
}

#[test]
fn a_runtime_that_manages_its_status_is_not_judged_by_its_error_rate() {
    let own = |rate| declaring("status_mgmt", failing(rate));
    assert_eq!(judge(&workspace(Status::Online), &own(1.0)).status, Status::Online);
    assert_eq!(judge(&workspace(Status::Degraded), &own(0.0)).status, Status::Degraded, "nor does it recover by it");
    let wedged = degraded_by(ReasonCode::RuntimeWedged);
    assert_eq!(judge(&wedged, &own(0.3)).status, Status::Online, "it recovers from what it reported itself");
}

#[test]
fn wedged_degrades_whoever_manages_the_status_and_blocks_recovery() {
    for beat in [in_state(WEDGED), declaring("status_mgmt", in_state(WEDGED))] {
        let verdict = judge(&workspace(Status::Online), &beat);
        assert_eq!((verdict.status, codes(&verdict)), (Status::Degraded, vec![ReasonCode::RuntimeWedged]));
        let stays = judge(&degraded_by(ReasonCode::RuntimeWedged), &beat);
        assert_eq!((stays.status, stays.changed, stays.event), (Status::Degraded, false, None));
    }
}

#[test]
fn an_unknown_runtime_state_only_blocks_recovery() {
    let odd = in_state("warming_up");
    for from in [Status::Online, Status::Provisioning, Status::Offline, Status::AwaitingAgent, Status::Failed] {
        assert_eq!(judge(&workspace(from), &odd).status, Status::Online, "{from}");
    }
    for code in crate::fixtures::CAUSES {
        let verdict = judge(&degraded_by(code), &odd);
        assert_eq!((verdict.status, codes(&verdict)), (Status::Degraded, vec![code]));
        assert!(!verdict.changed, "{code:?}");
    }
}

#[test]
fn a_recent_register_failure_degrades_and_blocks_until_it_ages() {
    for (from, age, to) in [
        (Status::Online, 0, Status::Degraded),
        (Status::Online, 299, Status::Degraded),
        (Status::Online, 300, Status::Online),
        (Status::Degraded, 120, Status::Degraded),
        (Status::Degraded, 300, Status::Online),
    ] {
        let verdict = judge(&marked(from, age), &beat());
        assert_eq!(verdict.status, to, "{from}, marker {age} s old");
        assert!(!verdict.clear_register_failure, "only a card or a register clears it");
    }
    let payload = judge(&marked(Status::Online, 1), &failing(0.2)).event.unwrap().payload;
    assert_eq!((&payload["register_failure"], &payload["sample_error"]), (&json!(true), &json!("boom")));
}

/// Incident B: restarted, alive, still degraded.
#[test]
fn restart_with_existing_card_recovers_in_one_heartbeat() {
    let workspace = marked(Status::Degraded, 120);
    assert!(workspace.agent_card.is_some());
    // What the runtime itself reports of the refused URL is not held against it either.
    for beat in [beat(), register_answers(Some(400), 200)] {
        let verdict = judge_with_card(&workspace, &beat);
        assert!(verdict.clear_register_failure && verdict.changed && !verdict.adopt_card);
        assert_eq!((verdict.status, codes(&verdict)), (Status::Online, vec![]));
        assert_eq!(verdict.event.unwrap().kind, EventType::WorkspaceOnline);
    }
}

#[test]
fn a_card_clears_the_marker_of_an_online_workspace_before_it_degrades() {
    let verdict = judge_with_card(&marked(Status::Online, 10), &beat());
    assert!(verdict.clear_register_failure && verdict.changed, "the record must be written");
    assert_eq!((verdict.status, verdict.event), (Status::Online, None));
}

#[test]
fn heartbeat_never_overwrites_a_stored_card() {
    let mut workspace = workspace(Status::Online);
    assert_eq!(workspace.agent_card.as_deref(), Some(CARD));
    let kept = judge_with_card(&workspace, &beat());
    assert!(!kept.adopt_card && !kept.changed);
    workspace.agent_card = None;
    let filled = judge_with_card(&workspace, &beat());
    assert!(filled.adopt_card && filled.changed);
    assert!(!judge(&workspace, &beat()).adopt_card, "a beat without a card has none to give");
}

/// Incident A: healthy on the outside, deaf on the inside.
#[test]
fn register_401_shows_degraded_not_online() {
    let online = workspace(Status::Online);
    for (beat, to) in [
        (register_answers(Some(401), 59), Status::Online),
        (register_answers(Some(401), 60), Status::Degraded),
        (declaring("status_mgmt", register_answers(Some(401), 60)), Status::Degraded),
        (register_answers(Some(503), 600), Status::Online),
        (register_answers(Some(0), 600), Status::Online),
        (register_answers(None, 600), Status::Online),
    ] {
        let verdict = judge(&online, &beat);
        assert_eq!(verdict.status, to, "{:?}", beat.register_state);
        let expected = if to == Status::Degraded { vec![ReasonCode::AuthFailing] } else { vec![] };
        assert_eq!(codes(&verdict), expected);
    }
    assert!(ReasonCode::AuthFailing.hint().contains("reset-credentials"), "the hint says how to repair it");
}

#[test]
fn registers_with_a_former_credential_of_its_own_count_while_they_go_on() {
    for (since, last, to) in
        [(59, 0, Status::Online), (60, 0, Status::Degraded), (1000, 299, Status::Degraded), (1000, 300, Status::Online)]
    {
        let failure = AuthFailure { since: ago(since), last: ago(last) };
        let record = Workspace { auth_failure: Some(failure), ..workspace(Status::Online) };
        assert_eq!(judge(&record, &beat()).status, to, "from {since} to {last} s ago");
    }
}

#[test]
fn whoever_comes_up_with_a_cause_goes_straight_to_degraded() {
    for from in [Status::Provisioning, Status::Offline, Status::AwaitingAgent, Status::Failed] {
        for beat in [failing(0.5), in_state(WEDGED), register_answers(Some(401), 61)] {
            let verdict = judge(&workspace(from), &beat);
            assert_eq!(verdict.status, Status::Degraded, "{from}");
            let event = verdict.event.unwrap();
            assert_eq!(event.kind, EventType::WorkspaceDegraded);
            assert_eq!(event.payload["recovered_from"], json!(from));
        }
        let healthy = judge(&workspace(from), &failing(0.49));
        assert_eq!(
            (healthy.status, healthy.event.unwrap().kind),
            (Status::Online, EventType::WorkspaceOnline),
            "{from}"
        );
    }
}

#[test]
fn several_causes_are_one_transition_and_one_event_the_gravest_first() {
    let record = marked(Status::Online, 10);
    let beat = Beat { runtime_state: WEDGED.to_owned(), ..failing(0.9) };
    let verdict = judge(&record, &beat);
    let expected = [ReasonCode::RuntimeWedged, ReasonCode::RegisterFailed, ReasonCode::ErrorRate];
    assert_eq!(codes(&verdict), expected);
    assert_eq!(
        verdict.event.unwrap().payload,
        json!({
            "reasons": ["runtime_wedged", "register_failed", "error_rate"],
            "runtime_state": "wedged",
            "register_failure": true,
            "error_rate": 0.9,
            "sample_error": "boom",
        })
    );
}

#[test]
fn a_cause_that_holds_on_keeps_its_beginning() {
    let verdict =
        judge(&degraded_by(ReasonCode::ErrorRate), &Beat { runtime_state: WEDGED.to_owned(), ..failing(0.6) });
    let since: Vec<_> = verdict.reasons.iter().map(|reason| (reason.code, reason.since)).collect();
    assert_eq!(since, [(ReasonCode::RuntimeWedged, NOW), (ReasonCode::ErrorRate, ago(500))]);
    assert!(verdict.changed && verdict.event.is_none(), "another cause is no other status");
}

#[test]
fn a_starved_queue_degrades_for_as_long_as_it_starves() {
    let starved = Observed { card: false, starved: Some("message m has waited") };
    let online = workspace(Status::Online);
    let verdict = evaluate(&online, Some(&lease(&online)), &beat(), starved, NOW, WINDOWS).unwrap();
    assert_eq!((verdict.status, codes(&verdict)), (Status::Degraded, vec![ReasonCode::QueueStarved]));
    let degraded = degraded_by(ReasonCode::QueueStarved);
    let verdict = evaluate(&degraded, Some(&lease(&degraded)), &beat(), starved, NOW, WINDOWS).unwrap();
    assert!(!verdict.changed && verdict.event.is_none() && verdict.reasons[0].evidence == "message m has waited");
    let verdict = judge(&degraded, &beat());
    assert_eq!((verdict.status, codes(&verdict)), (Status::Online, vec![]), "it gets through again");
}

/// No sweep has seen it: the record still says online or degraded.
#[test]
fn a_beat_after_the_lease_ran_out_recovers_with_one_event() {
    for (status, rate, to) in [
        (Status::Online, 0.0, Status::Online),
        (Status::Online, 0.5, Status::Degraded),
        (Status::Degraded, 0.3, Status::Online),
        (Status::Degraded, 0.5, Status::Degraded),
    ] {
        let record = workspace(status);
        for lease in [Some(run_out(&record)), None] {
            let verdict = evaluate(&record, lease.as_ref(), &failing(rate), observed(false), NOW, WINDOWS).unwrap();
            assert_eq!(verdict.status, to, "{status} at {rate}");
            assert!(verdict.changed, "its status began anew, so the record is written with the event");
            assert_eq!(verdict.event.unwrap().payload["recovered_from"], json!("offline"));
        }
    }
}

#[test]
fn the_stopped_and_the_removed_are_left_alone() {
    for (status, refusal) in [
        (Status::Paused, Refusal::Stopped),
        (Status::Hibernating, Refusal::Stopped),
        (Status::Hibernated, Refusal::Stopped),
        (Status::Removed, Refusal::Removed),
    ] {
        let record = workspace(status);
        for beat in [beat(), failing(1.0), in_state(WEDGED)] {
            let verdict = evaluate(&record, Some(&lease(&record)), &beat, observed(true), NOW, WINDOWS);
            assert_eq!(verdict, Err(refusal), "{status}");
        }
    }
}
