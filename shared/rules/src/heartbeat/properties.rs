use proptest::prelude::*;

use super::tests::observed;
use super::*;
use crate::fixtures::{CARD, NOW, WINDOWS, any_beat, any_lease, any_workspace, lease, workspace};

/// What a handler stores after the verdict.
fn stored(before: &Workspace, verdict: &Verdict) -> Workspace {
    let mut after = before.clone();
    if !verdict.changed {
        return after;
    }
    if verdict.event.is_some() {
        after.status_since = NOW;
    }
    after.status = verdict.status;
    after.status_reasons.clone_from(&verdict.reasons);
    if verdict.clear_register_failure {
        after.register_failure = None;
    }
    if verdict.adopt_card {
        after.agent_card = Some(CARD.to_owned());
    }
    after
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn a_heartbeat_is_at_most_one_transition_and_tells_it_once(
        record in any_workspace(), lease in any_lease(), beat in any_beat(), card in any::<bool>(),
    ) {
        let before = effective(&record, lease.as_ref(), NOW);
        let Ok(verdict) = evaluate(&record, lease.as_ref(), &beat, observed(card), NOW, WINDOWS) else {
            prop_assert!(record.status.is_stopped() || record.status == Status::Removed);
            return Ok(());
        };
        prop_assert!(verdict.status.is_live(), "proof of life ends in a live status");
        prop_assert_eq!(verdict.event.is_some(), verdict.status != before.status);
        let kind = match verdict.status {
            Status::Degraded => EventType::WorkspaceDegraded,
            _ => EventType::WorkspaceOnline,
        };
        prop_assert!(verdict.event.is_none_or(|event| event.kind == kind));
    }

    #[test]
    fn degraded_exactly_when_there_is_a_reason(
        record in any_workspace(), lease in any_lease(), beat in any_beat(), card in any::<bool>(),
    ) {
        if let Ok(verdict) = evaluate(&record, lease.as_ref(), &beat, observed(card), NOW, WINDOWS) {
            prop_assert_eq!(verdict.status == Status::Degraded, !verdict.reasons.is_empty());
            prop_assert!(verdict.reasons.iter().all(|reason| !reason.evidence.is_empty() && reason.since <= NOW));
        }
    }

    #[test]
    fn nothing_is_decided_without_being_written(
        record in any_workspace(), lease in any_lease(), beat in any_beat(), card in any::<bool>(),
    ) {
        if let Ok(verdict) = evaluate(&record, lease.as_ref(), &beat, observed(card), NOW, WINDOWS)
            && !verdict.changed
        {
            prop_assert_eq!(verdict.status, record.status);
            prop_assert!(verdict.event.is_none() && !verdict.clear_register_failure && !verdict.adopt_card);
            let codes = |reasons: &[StatusReason]| reasons.iter().map(|reason| reason.code).collect::<Vec<_>>();
            prop_assert_eq!(codes(&verdict.reasons), codes(&record.status_reasons));
        }
    }

    #[test]
    fn the_same_beat_again_changes_nothing(
        record in any_workspace(), before in any_lease(), beat in any_beat(), card in any::<bool>(),
    ) {
        if let Ok(first) = evaluate(&record, before.as_ref(), &beat, observed(card), NOW, WINDOWS) {
            let after = stored(&record, &first);
            let again = evaluate(&after, Some(&lease(&after)), &beat, observed(card), NOW, WINDOWS).unwrap();
            prop_assert!(!again.changed && again.event.is_none(), "{again:?}");
            prop_assert_eq!((again.status, again.reasons), (first.status, first.reasons));
        }
    }

    /// What the fast path lets pass is nothing that the slow path would have acted on.
    #[test]
    fn a_steady_beat_changes_nothing_of_an_online_workspace(beat in any_beat()) {
        let online = workspace(Status::Online);
        prop_assert!(!online.wants_control());
        if beat.is_steady() {
            let verdict = evaluate(&online, Some(&lease(&online)), &beat, observed(false), NOW, WINDOWS).unwrap();
            prop_assert_eq!((verdict.status, verdict.changed), (Status::Online, false));
        }
    }

    #[test]
    fn whoever_needs_a_reason_has_one(record in any_workspace(), before in any_lease(), beat in any_beat()) {
        let shown = effective(&record, before.as_ref(), NOW);
        prop_assert_eq!(shown.status.needs_reason(), !shown.reasons.is_empty());
        if let Ok(verdict) = evaluate(&record, before.as_ref(), &beat, observed(false), NOW, WINDOWS) {
            let after = stored(&record, &verdict);
            let shown = effective(&after, Some(&lease(&after)), NOW);
            prop_assert_eq!(shown.status, verdict.status);
            prop_assert_eq!(shown.status.needs_reason(), !shown.reasons.is_empty());
        }
    }
}
