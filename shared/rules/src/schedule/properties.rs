//! Whoever looks, and whenever: each nominal fire has one outcome.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use uuid::Uuid;

use super::tests::{at, schedule};
use super::*;
use crate::id::MessageId;
use crate::time::Timestamp;

fn any_policy() -> impl Strategy<Value = Policy> {
    let overlap =
        prop::sample::select(vec![Overlap::Coalesce, Overlap::Skip, Overlap::BufferAll, Overlap::CancelRunning]);
    let catchup = prop::sample::select(vec![Catchup::None, Catchup::Latest, Catchup::All]);
    (overlap, catchup, prop::sample::select(vec![0_u32, 30, 900])).prop_map(|(overlap, catchup, jitter_seconds)| {
        Policy { overlap, catchup, jitter_seconds, deadline_seconds: None }
    })
}

proptest! {
    /// Whenever anybody looks: each nominal fire gets exactly one outcome, none early, in order.
    #[test]
    fn every_fire_has_one_outcome(
        expression in prop::sample::select(vec!["* * * * *", "*/7 * * * *", "*/30 * * * *", "0 * * * *", "15 3 * * *"]),
        policy in any_policy(),
        looks in prop::collection::vec((1_u64..20_000, prop::option::weighted(0.1, Just("paused")), any::<bool>()), 1..60),
    ) {
        let mut schedule = schedule(expression, policy, "00:00:00");
        let cron = schedule.cron().unwrap();
        let first = cron.next_after(at("00:00:00") - Duration::from_millis(1)).unwrap();
        schedule.next_fire = Some(first);
        let (mut now, mut ids) = (at("00:00:00"), 0);
        let mut seen: BTreeMap<Timestamp, Outcome> = BTreeMap::new();
        for (pause, stopped, ends) in looks {
            now = now + Duration::from_secs(pause);
            loop {
                match step(&schedule, &cron, stopped, now) {
                    Step::Nothing => break,
                    Step::Settle(Stretch { from, to, count, outcome, next, .. }) => {
                        let fires: Vec<_> = std::iter::once(from).chain(cron.fires_after(from).take_while(|at| *at <= to)).collect();
                        prop_assert_eq!(fires.len(), count as usize);
                        for fire in fires {
                            prop_assert!(fire + schedule.jitter() <= now, "early");
                            prop_assert!(seen.insert(fire, outcome).is_none(), "twice");
                        }
                        schedule.settle(from, count, outcome, None, false);
                        schedule.next_fire = next;
                    }
                    Step::Fire { nominal, placement, next } => {
                        let late = now.since(nominal + schedule.jitter());
                        prop_assert!(nominal + schedule.jitter() <= now, "early");
                        prop_assert!(stopped.is_none());
                        prop_assert!(late <= ON_TIME || policy.catchup != Catchup::None && late <= Duration::from_secs(3600));
                        prop_assert!(seen.insert(nominal, Outcome::Pending).is_none(), "twice");
                        match placement {
                            Placement::TakeOver(open) => {
                                prop_assert!(!open.running);
                                seen.insert(open.nominal, Outcome::Coalesced);
                                schedule.close(open.queue_id, Outcome::Coalesced, None);
                            }
                            Placement::Queue(Some(open)) => {
                                seen.insert(open.nominal, Outcome::Failed);
                                schedule.close(open.queue_id, Outcome::Failed, None);
                            }
                            Placement::Queue(None) => {}
                        }
                        ids += 1;
                        let queue_id = MessageId::new(Uuid::from_u128(ids));
                        schedule.open.push(Open { nominal, queue_id, running: false, manual: false });
                        schedule.next_fire = next;
                        let waiting = schedule.open.iter().filter(|open| !open.running).count();
                        prop_assert!(waiting <= 1 || policy.overlap == Overlap::BufferAll);
                    }
                }
            }
            if ends && let Some(open) = schedule.open.first().cloned() {
                if open.running {
                    seen.insert(open.nominal, Outcome::Fired);
                    schedule.close(open.queue_id, Outcome::Fired, None);
                } else {
                    schedule.begin(open.queue_id);
                }
            }
        }
        let nominal: Vec<_> = std::iter::once(first).chain(cron.fires_after(first))
            .take_while(|at| *at + schedule.jitter() <= now).collect();
        prop_assert_eq!(seen.keys().copied().collect::<Vec<_>>(), nominal);
        let open = schedule.open.iter().map(|open| open.nominal).collect::<Vec<_>>();
        let unsettled: Vec<_> = seen.iter().filter(|(_, outcome)| !outcome.is_settled()).map(|(at, _)| *at).collect();
        prop_assert_eq!(open, unsettled);
    }
}
