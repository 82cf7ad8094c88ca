//! Random histories against the promises of a FIFO queue.

use std::collections::{BTreeMap, HashMap, HashSet};

use proptest::prelude::*;

use super::*;

const VISIBILITY_S: u32 = 5;

#[derive(Debug, Clone)]
enum Step {
    Send { group: u8 },
    Receive { max: u32 },
    Delete { which: usize },
    Release { which: usize, seconds: u32 },
    Pass { ms: i64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..4_u8).prop_map(|group| Step::Send { group }),
        4 => (1..=10_u32).prop_map(|max| Step::Receive { max }),
        3 => any::<usize>().prop_map(|which| Step::Delete { which }),
        2 => (any::<usize>(), 0..8_u32).prop_map(|(which, seconds)| Step::Release { which, seconds }),
        2 => (1..7000_i64).prop_map(|ms| Step::Pass { ms }),
    ]
}

/// What the test knows: which messages must still be there, and who holds which until when.
#[derive(Default)]
struct Model {
    /// Per group the numbers that were sent and not deleted, in order.
    groups: BTreeMap<u8, Vec<u32>>,
    /// When the flight of a message ends.
    flights: HashMap<u32, i64>,
    sent: u32,
}

impl Model {
    fn in_flight(&self, number: u32, now: i64) -> bool {
        self.flights.get(&number).is_some_and(|until| *until > now)
    }

    fn locked(&self, group: u8, now: i64) -> bool {
        self.groups.get(&group).is_some_and(|numbers| numbers.iter().any(|number| self.in_flight(*number, now)))
    }

    /// How many messages a receive of any size could get.
    fn receivable(&self, now: i64) -> usize {
        self.groups.iter().filter(|(group, _)| !self.locked(**group, now)).map(|(_, numbers)| numbers.len()).sum()
    }
}

fn parse(delivery: &Delivery) -> (u8, u32) {
    (delivery.group.as_deref().unwrap().parse().unwrap(), delivery.content.body.parse().unwrap())
}

fn run(steps: &[Step]) {
    let mut engine = with(&[("VisibilityTimeout", &VISIBILITY_S.to_string())]);
    let mut model = Model::default();
    // Every handle ever given out, old ones too.
    let mut handles: Vec<(u8, u32, u32, String)> = Vec::new();
    let mut receives: HashMap<u32, u32> = HashMap::new();
    let mut now = 0_i64;
    for step in steps {
        match step {
            Step::Send { group } => {
                model.sent += 1;
                send(&mut engine, &group.to_string(), &model.sent.to_string(), now);
                model.groups.entry(*group).or_default().push(model.sent);
            }
            Step::Receive { max } => {
                let expected = model.receivable(now).min(*max as usize);
                let deliveries = receive(&mut engine, QUEUE, *max, now);
                assert_eq!(deliveries.len(), expected, "all that is receivable is received");
                let locked: HashSet<u8> =
                    model.groups.keys().copied().filter(|group| model.locked(*group, now)).collect();
                let mut next: HashMap<u8, usize> = HashMap::new();
                for delivery in &deliveries {
                    let (group, number) = parse(delivery);
                    assert!(!locked.contains(&group), "group {group} has a consumer already");
                    let place = next.entry(group).or_default();
                    assert_eq!(model.groups[&group][*place], number, "the head of its group comes first");
                    *place += 1;
                    let count = receives.entry(number).or_default();
                    *count += 1;
                    assert_eq!(delivery.receives, *count);
                    model.flights.insert(number, now + i64::from(VISIBILITY_S) * 1000);
                    handles.push((group, number, *count, delivery.receipt_handle.clone()));
                }
            }
            Step::Delete { which } if !handles.is_empty() => {
                let (group, number, count, handle) = handles[which % handles.len()].clone();
                engine.delete(QUEUE, &handle, now).unwrap();
                if receives[&number] == count && model.in_flight(number, now) {
                    model.flights.remove(&number);
                    model.groups.get_mut(&group).unwrap().retain(|other| *other != number);
                }
            }
            Step::Release { which, seconds } if !handles.is_empty() => {
                let (_, number, count, handle) = handles[which % handles.len()].clone();
                let current = receives[&number] == count && model.in_flight(number, now);
                let changed = engine.change_visibility(QUEUE, &handle, *seconds, now);
                assert_eq!(changed.is_ok(), current);
                if current {
                    model.flights.insert(number, now + i64::from(*seconds) * 1000);
                }
            }
            Step::Delete { .. } | Step::Release { .. } => {}
            Step::Pass { ms } => {
                let visible_before = model.receivable(now);
                engine.advance(now);
                engine.take_woken();
                now += ms;
                engine.advance(now);
                let woken = !engine.take_woken().is_empty();
                assert!(woken || model.receivable(now) <= visible_before, "what became visible wakes the polls");
            }
        }
        let next_end = model.flights.values().copied().filter(|until| *until > now).min();
        engine.advance(now);
        assert!(
            next_end.is_none_or(|end| engine.next_instant().is_some_and(|at| at <= end)),
            "no flight ends unannounced"
        );
    }
    // Nothing is lost: after the last flight everything that was not deleted comes, in order.
    now += 100_000;
    let mut left: BTreeMap<u8, Vec<u32>> = BTreeMap::new();
    loop {
        let deliveries = receive(&mut engine, QUEUE, 10, now);
        if deliveries.is_empty() {
            break;
        }
        for delivery in deliveries {
            let (group, number) = parse(&delivery);
            left.entry(group).or_default().push(number);
            engine.delete(QUEUE, &delivery.receipt_handle, now).unwrap();
        }
    }
    model.groups.retain(|_, numbers| !numbers.is_empty());
    assert_eq!(left, model.groups);
    assert_eq!(["", "NotVisible", "Delayed"].map(|which| count(&mut engine, QUEUE, which, now)), ["0", "0", "0"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn order_locks_and_leases_hold_in_every_history(steps in prop::collection::vec(step(), 1..120)) {
        run(&steps);
    }
}
