use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::fixtures::{NOW, ago, ahead, beat};

const HOUR: Duration = Duration::from_secs(3600);

fn message() -> MessageId {
    MessageId::new(Uuid::from_u128(5))
}

/// Marks the message that the slot received.
fn receive(slots: &mut Slots, id: &str) {
    slots.slots.get_mut(id).unwrap().message = Some(message());
}

fn holding(until: &[Timestamp]) -> Slots {
    let slot = |(index, until): (usize, &Timestamp)| {
        let epoch = index as u64 + 1;
        (format!("s{epoch}"), Slot { message: Some(message()), epoch, since: ago(600), until: *until, generation: 0 })
    };
    Slots { slots: until.iter().enumerate().map(slot).collect(), epoch: until.len() as u64, ..Slots::default() }
}

fn reporting(active_tasks: u32, sent_at: Option<Timestamp>, at: Timestamp) -> Beat {
    Beat { active_tasks, sent_at, at, ..beat() }
}

#[test]
fn busy_is_the_larger_of_live_slots_and_reported_tasks_less_the_ended_ones() {
    let at = ago(10);
    for (name, live, run_out, reported, ended, busy_now) in [
        ("idle", 0, 0, Some(0), vec![], 0),
        ("never heard of", 0, 0, None, vec![], 0),
        ("slots it does not know of yet", 2, 0, Some(0), vec![], 2),
        ("run-out slots do not count", 1, 3, Some(0), vec![], 1),
        ("work of its own", 0, 0, Some(3), vec![], 3),
        ("the larger of both", 1, 0, Some(3), vec![], 3),
        ("ended since the report", 0, 0, Some(1), vec![ago(5)], 0),
        ("ended at the very report", 0, 0, Some(1), vec![at], 0),
        ("ended before the report", 0, 0, Some(1), vec![ago(11)], 1),
        ("more ended than reported", 1, 0, Some(1), vec![ago(5), ago(4), ago(3)], 1),
    ] {
        let ends: Vec<_> = std::iter::repeat_n(ahead(5), live).chain(std::iter::repeat_n(ago(1), run_out)).collect();
        let slots = Slots { ended, ..holding(&ends) };
        let report = reported.map(|tasks| reporting(tasks, Some(at), ago(9)));
        assert_eq!(busy(&slots, report.as_ref(), NOW), busy_now, "{name}");
    }
}

#[test]
fn a_report_counts_from_its_sending_or_else_its_arrival_and_never_from_later() {
    let slots = Slots { ended: vec![ago(7)], ..Slots::default() };
    for (sent_at, busy_now) in [
        (Some(ago(8)), 0),
        (Some(ago(6)), 0), // the agent's clock runs ahead
        (Some(ahead(1000)), 0),
        (None, 0),
    ] {
        let arrived = ago(7);
        assert_eq!(busy(&slots, Some(&reporting(1, sent_at, arrived)), NOW), busy_now, "sent at {sent_at:?}");
    }
    assert_eq!(busy(&slots, Some(&reporting(1, None, ago(6))), NOW), 1, "it knew of that ending");
}

#[test]
fn a_claim_needs_room_and_gives_a_new_epoch() {
    let mut slots = Slots::default();
    let (first, slot) = slots.claim(None, 2, NOW, HOUR).unwrap();
    assert_eq!((first.as_str(), slot.epoch, slot.until, slot.message), ("s1", 1, NOW + HOUR, None));
    assert_eq!(slots.claim(None, 2, NOW, HOUR).unwrap().0, "s2");
    assert_eq!(slots.claim(None, 2, NOW, HOUR), None, "full");
    assert!(slots.end("s1", NOW));
    assert_eq!(slots.claim(None, 2, NOW, HOUR).unwrap().0, "s3", "an id is never given twice");
    assert_eq!(Slots::default().claim(None, 0, NOW, HOUR), None, "no capacity, no slot");
    assert_eq!(Slots::default().claim(Some(&reporting(1, None, NOW)), 1, NOW, HOUR), None, "busy with its own work");
}

#[test]
fn a_claim_forgets_what_ran_out_empty_and_keeps_what_ran_out_with_a_message() {
    let mut slots = holding(&[ago(1), ago(1)]);
    slots.slots.get_mut("s2").unwrap().message = None;
    slots.claim(None, 1, NOW, HOUR).unwrap();
    assert_eq!(slots.slots.keys().collect::<Vec<_>>(), ["s1", "s3"], "the sweep settles s1's message");
}

#[test]
fn only_a_delivery_that_ended_corrects_a_report() {
    let report = reporting(1, Some(ago(10)), ago(10));
    let mut slots = Slots::default();
    let (id, _) = slots.claim(Some(&report), 2, NOW, HOUR).unwrap();
    assert!(slots.end(&id, NOW), "the queue was empty");
    assert_eq!(busy(&slots, Some(&report), NOW), 1, "the agent's own work goes on");
    let (id, _) = slots.claim(Some(&report), 2, NOW, HOUR).unwrap();
    receive(&mut slots, &id);
    assert!(slots.end(&id, NOW));
    assert_eq!(busy(&slots, Some(&report), NOW), 0);
    assert!(!slots.end(&id, NOW), "ended once");
    assert_eq!(slots.ended.len(), 1);
}

#[test]
fn a_reused_slot_ends_one_delivery_and_starts_under_a_new_epoch() {
    let mut slots = holding(&[ahead(5)]);
    assert!(slots.reuse("s1", NOW, HOUR));
    assert_eq!(slots.slots["s1"], Slot { message: None, epoch: 2, since: NOW, until: NOW + HOUR, generation: 0 });
    assert_eq!(slots.ended, [NOW]);
    assert!(!slots.reuse("s9", NOW, HOUR), "it was gone");
}

#[test]
fn a_slot_that_ran_out_is_not_revived() {
    let mut slots = holding(&[ago(1)]);
    slots.claim(None, 1, NOW, HOUR).unwrap();
    assert!(!slots.reuse("s1", NOW, HOUR), "its room is another's now");
    assert_eq!(slots.slots.keys().collect::<Vec<_>>(), ["s2"]);
}

#[test]
fn the_urgent_queue_is_first_but_every_eighth_time_the_least_urgent() {
    use Priority::{Critical, Info, Task};
    for (epoch, critical, info, order) in [
        (1, true, true, vec![Critical, Task, Info]),
        (8, true, true, vec![Info, Task, Critical]),
        (9, true, true, vec![Critical, Task, Info]),
        (1, false, false, vec![Task]),
        (8, false, true, vec![Info, Task]),
        (1, true, false, vec![Critical, Task]),
    ] {
        let slots = Slots { epoch, critical, info, ..Slots::default() };
        assert_eq!(slots.order(), order, "epoch {epoch}, critical: {critical}, info: {info}");
    }
}

#[test]
fn the_memory_of_endings_is_bounded_and_keeps_the_newest() {
    let mut slots = Slots::default();
    for second in 0..100 {
        let at = ahead(second);
        let (id, _) = slots.claim(None, 1, at, HOUR).unwrap();
        receive(&mut slots, &id);
        slots.end(&id, at);
    }
    let newest: Vec<_> = (68..100).map(ahead).collect();
    assert_eq!(slots.ended, newest);
    assert_eq!(newest.len(), MAX_ENDED);
}

#[test]
fn the_sweep_looks_at_once_while_messages_wait_else_when_a_turn_has_had_four_fifths_of_its_time() {
    for (pending, ends, due) in [
        (false, vec![], None),
        (false, vec![ahead(50), ahead(20)], Some(ago(104))),
        (false, vec![ago(5), ahead(20)], Some(ago(124))),
        (true, vec![], Some(NOW)),
        (true, vec![ahead(20)], Some(NOW)),
    ] {
        assert_eq!(Slots { pending, ..holding(&ends) }.due(NOW), due, "{pending} {ends:?}");
    }
}

#[derive(Debug, Clone)]
enum Op {
    Claim(u64),
    Receive(usize),
    End(usize),
    Reuse(usize, u64),
    Pass(u64),
    Report(u32),
}

fn any_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (1_u64..60).prop_map(Op::Claim),
        2 => any::<usize>().prop_map(Op::Receive),
        2 => any::<usize>().prop_map(Op::End),
        2 => (any::<usize>(), 1_u64..60).prop_map(|(index, seconds)| Op::Reuse(index, seconds)),
        2 => (1_u64..30).prop_map(Op::Pass),
        1 => (0_u32..5).prop_map(Op::Report),
    ]
}

/// The rule in its plainest form: every claim ever made, with its end, and every delivery that ended.
#[derive(Default)]
struct Model {
    claims: Vec<(String, Timestamp, bool)>,
    ended: Vec<Timestamp>,
    report: Option<(Timestamp, u32)>,
    began: std::collections::HashMap<String, Timestamp>,
}

impl Model {
    fn live(&self, now: Timestamp) -> usize {
        self.claims.iter().filter(|(_, until, _)| *until > now).count()
    }

    fn busy(&self, now: Timestamp) -> usize {
        let reported = self.report.map_or(0, |(at, tasks)| {
            let ended = self.ended.iter().filter(|end| **end >= at).count();
            let unknown = |id: &String, held: bool| !held || self.began[id] > at;
            let begun = self.claims.iter().filter(|(id, until, held)| *until > now && unknown(id, *held)).count();
            if tasks == 0 { 0 } else { (tasks as usize).saturating_sub(ended) + begun }
        });
        self.live(now).max(reported)
    }
}

proptest! {
    #[test]
    fn capacity_is_never_exceeded(capacity in 0_u32..5, ops in prop::collection::vec(any_op(), 0..80)) {
        let (mut slots, mut model, mut now) = (Slots::default(), Model::default(), NOW);
        let mut last_epoch = 0;
        for op in ops {
            let report = model.report.map(|(at, tasks)| reporting(tasks, None, at));
            match op {
                Op::Claim(seconds) => {
                    let room = model.busy(now) < capacity as usize;
                    let claimed = slots.claim(report.as_ref(), capacity, now, Duration::from_secs(seconds));
                    prop_assert_eq!(claimed.is_some(), room);
                    if let Some((id, slot)) = claimed {
                        prop_assert!(slot.epoch > last_epoch, "epochs rise");
                        last_epoch = slot.epoch;
                        model.began.insert(id.clone(), now);
                        model.claims.push((id, slot.until, false));
                    }
                }
                Op::Receive(index) if !model.claims.is_empty() => {
                    let index = index % model.claims.len();
                    let (id, until, held) = &mut model.claims[index];
                    if *until > now {
                        *held = true;
                        let id = id.clone();
                        receive(&mut slots, &id);
                    }
                }
                Op::End(index) if !model.claims.is_empty() => {
                    let index = index % model.claims.len();
                    let (id, until, held) = model.claims.remove(index);
                    prop_assert!(slots.end(&id, now) || (until <= now && !held));
                    if held {
                        model.ended.push(now);
                    }
                }
                Op::Reuse(index, seconds) if !model.claims.is_empty() => {
                    let index = index % model.claims.len();
                    let (id, until, held) = model.claims.remove(index);
                    let length = Duration::from_secs(seconds);
                    prop_assert_eq!(slots.reuse(&id, now, length), until > now);
                    if held {
                        model.ended.push(now);
                    }
                    if until > now {
                        prop_assert!(slots.slots[&id].epoch > last_epoch, "epochs rise");
                        last_epoch = slots.slots[&id].epoch;
                        model.began.insert(id.clone(), now);
                        model.claims.push((id, now + length, false));
                    }
                }
                Op::Receive(_) | Op::End(_) | Op::Reuse(..) => {}
                Op::Pass(seconds) => now = now + Duration::from_secs(seconds),
                Op::Report(tasks) => model.report = Some((now, tasks)),
            }
            let report = model.report.map(|(at, tasks)| reporting(tasks, None, at));
            prop_assert!(model.live(now) <= capacity as usize);
            prop_assert_eq!(busy(&slots, report.as_ref(), now) as usize, model.busy(now));
        }
    }
}

#[test]
fn a_slot_that_ran_out_is_not_filled() {
    let mut slots = Slots::default();
    let (name, slot) = slots.claim(None, 1, NOW, Duration::from_secs(60)).unwrap();
    let mut late = slots.clone();
    assert_eq!(late.fill(&name, message(), 0, slot.until, ahead(500)), None);
    assert_eq!(late, slots);
    assert!(slots.fill(&name, message(), 0, ahead(59), ahead(500)).is_some());
}
