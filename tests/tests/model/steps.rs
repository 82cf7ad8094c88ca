//! What each step does, as the dispatch function, the inbox, the accept and the sweep do it.

use rules::dispatch::{Gate, Next, Outcome, gate, settle};
use rules::message::{Priority, State};
use rules::slots::{Slots, busy};
use rules::status::Status;

use crate::mutations::Mutation;
use crate::protocol::Protocol;
use crate::world::{
    By, Ending, Hand, Holding, Kind, LONG, LOST_AFTER, Op, Place, Pointer, Process, Record, SHORT, World, at, id_of,
    place_of, seconds,
};

impl Protocol {
    /// Does the next step of a process.
    pub(crate) fn step(&self, world: &mut World, at: usize) {
        let mut process = world.processes.remove(at);
        let op = process.ops.pop().unwrap();
        self.run(world, &mut process, op);
        world.processes.push(process);
    }

    fn run(&self, world: &mut World, process: &mut Process, op: Op) {
        let ops = &mut process.ops;
        match op {
            Op::Store(place) => self.store(world, place),
            Op::Point(place, epoch) => {
                let pointer = Pointer { message: place, epoch, copy: false };
                // SQS drops a second sending of one epoch.
                if world.pointer(&pointer).is_none() {
                    world.queue.push((pointer, world.now));
                }
            }
            Op::Acknowledge(place) => world.record(place).acknowledged = true,
            // Who fetches is not called.
            Op::Wake if self.polls => {}
            Op::Wake => world.wakes = (world.wakes + 1).min(2),
            Op::Look => self.look(world, ops),
            Op::Claim { to, slot } => {
                let next = if world.put_slots(&to, !self.breaks(Mutation::ClaimUnguarded)) {
                    Op::Serve(slot)
                } else {
                    Op::Look
                };
                ops.push(next);
            }
            Op::Note => self.note(world, ops),
            Op::Serve(slot) => {
                let seen = Box::new(world.slots.clone());
                let held = seen.slots.contains_key(&slot);
                ops.push(if held { Op::Receive { slot, seen } } else { Op::Look });
            }
            Op::Receive { slot, seen } => match self.receive(world) {
                Some(pointer) => ops.extend([Op::Serve(slot.clone()), Op::Lease { slot: Some(slot), pointer }]),
                None => ops.push(Op::Close { slot, seen }),
            },
            Op::Close { slot, seen } => {
                if !self.close(world, &slot, *seen) {
                    ops.push(Op::Serve(slot));
                }
            }
            Op::Lease { slot, pointer } => self.lease(world, ops, slot, pointer),
            Op::Hide { pointer, until } => {
                if let Some((_, hidden)) = world.pointer(&pointer) {
                    *hidden = until;
                }
            }
            Op::Delete(pointer) => world.queue.retain(|(other, _)| *other != pointer),
            Op::Commit { slot, fetched, pointer, seen, version } => {
                self.commit(world, ops, (slot, fetched), pointer, &seen, version);
            }
            Op::Post(holding) => {
                self.deliver(world, &holding, false);
                ops.push(Op::Calling(holding));
            }
            Op::Hand(holding) => self.deliver(world, &holding, true),
            // Only the agent ends a call: see `outcome`.
            Op::Calling(holding) => ops.push(Op::Calling(holding)),
            Op::NoteDelivered(holding) => {
                let now = world.time();
                let record = world.record(holding.message);
                if record.state == State::Dispatched && record.slot_epoch == holding.epoch {
                    record.write(holding.message, |message| message.deliver(now, "later"));
                }
                ops.clear();
                ops.push(Op::Look);
            }
            Op::End { message, epoch, ending, kept, by } => self.end(world, ops, (message, epoch), ending, kept, by),
            Op::Lose { slot, epoch, message, ran_out } => self.lose(world, ops, (slot, epoch), message, ran_out),
            Op::EndSlot { slot, seen } => {
                let mut slots = world.slots.clone();
                let same = match slots.slots.get(&slot) {
                    Some(current) if self.breaks(Mutation::RunOutSlotIsFilled) => current.epoch == seen.epoch,
                    current => current == Some(&seen),
                };
                if same && slots.end(&slot, world.time()) {
                    world.put_slots(&slots, true);
                }
            }
            Op::CountLess => world.slots.open -= 1,
            Op::Sweep => {
                ops.push(Op::Queue);
                self.push_lost(world, ops);
            }
            Op::Queue => self.sweep_queue(world, ops),
            Op::Resend(place) => {
                let now = world.time();
                let record = world.record(place);
                if record.state == State::Queued {
                    record.write(place, |message| message.point_anew(now));
                    let epoch = record.send_epoch;
                    ops.push(Op::Point(place, epoch));
                }
            }
            Op::Cancel(place) => self.cancel(world, ops, place),
            Op::Fetch => {
                if busy(&world.slots, None, world.time()) < self.capacity
                    && let Some(pointer) = self.receive(world)
                {
                    ops.push(Op::Lease { slot: None, pointer });
                }
            }
        }
    }

    fn store(&self, world: &mut World, place: Place) {
        let acknowledged = |other: &Place| {
            self.lanes[*other] == self.lanes[place]
                && world.records[*other].as_ref().is_some_and(|record| record.acknowledged)
        };
        let after = (0..self.lanes.len()).filter(acknowledged).collect();
        world.records[place] = Some(Record {
            state: State::Queued,
            version: 1,
            send_epoch: 1,
            sent_at: Some(world.time()),
            slot: None,
            slot_epoch: 0,
            attempts: 0,
            generation: 0,
            fetched: false,
            receipt: None,
            acknowledged: false,
            after,
        });
        world.slots.wakes += 1;
        world.slots.open += 1;
        world.slots.pending = true;
        world.indexed = true;
    }

    /// Settles what is lost, then claims a slot, or notes that there was none.
    fn look(&self, world: &World, ops: &mut Vec<Op>) {
        if !world.slots.lost(world.generation, world.time()).is_empty() {
            ops.push(Op::Look);
            self.push_lost(world, ops);
            return;
        }
        let mut slots = world.slots.clone();
        match slots.claim(None, self.capacity, world.time(), seconds(SHORT)) {
            Some((slot, _)) => ops.push(Op::Claim { to: Box::new(slots), slot }),
            None if self.breaks(Mutation::FullClaimIsSilent) => {}
            None => ops.push(Op::Note),
        }
    }

    fn push_lost(&self, world: &World, ops: &mut Vec<Op>) {
        for (name, slot, loss) in world.slots.lost(world.generation, world.time()) {
            let ran_out = loss == rules::dispatch::Loss::RanOut;
            ops.push(Op::EndSlot { slot: name.clone(), seen: slot });
            ops.push(Op::Lose { slot: name, epoch: slot.epoch, message: slot.message.map(place_of), ran_out });
        }
    }

    fn note(&self, world: &mut World, ops: &mut Vec<Op>) {
        if world.slots.version == 0 {
            return;
        }
        world.slots.wakes += 1;
        let room = busy(&world.slots, None, world.time()) < self.capacity;
        if room && !self.breaks(Mutation::NoLookAfterNote) {
            ops.push(Op::Look);
        }
    }

    fn receive(&self, world: &mut World) -> Option<Pointer> {
        let lanes = (!self.breaks(Mutation::QueueWithoutLanes)).then_some(self.lanes.as_slice());
        // Which queue is asked first is a rule of its own; here there is one.
        debug_assert_eq!(world.slots.order(), [Priority::Task]);
        let found = world.receivable(lanes)?;
        let now = world.now;
        let (pointer, hidden) = &mut world.queue[found];
        *hidden = now + SHORT;
        Some(pointer.clone())
    }

    fn close(&self, world: &mut World, slot: &str, mut seen: Slots) -> bool {
        let (now, wakes) = (world.time(), seen.wakes);
        seen.end(slot, now);
        seen.pending = seen.waiting() > 0;
        if world.slots.wakes != wakes && !self.breaks(Mutation::CloseIgnoresWakes) {
            return false;
        }
        let (pending, indexed) = (seen.pending, seen.due(now).is_some());
        if !world.put_slots(&seen, true) {
            return false;
        }
        world.slots.pending = pending;
        world.indexed = indexed;
        true
    }

    fn lease(&self, world: &World, ops: &mut Vec<Op>, slot: Option<String>, pointer: Pointer) {
        let record = world.records[pointer.message].as_ref().unwrap();
        let now = world.now;
        if record.send_epoch != pointer.epoch || record.state.is_terminal() {
            ops.push(Op::Delete(pointer));
            return;
        }
        if record.state.is_held() {
            let live = record.slot.as_ref().and_then(|name| world.slots.slots.get(name));
            match live.filter(|live| live.epoch == record.slot_epoch && live.until > world.time()) {
                Some(live) => {
                    let until = u64::try_from(live.until.millis()).unwrap() / 1000;
                    ops.push(Op::Hide { pointer, until });
                }
                None => {
                    ops.push(Op::Lease { slot, pointer: pointer.clone() });
                    let (slot, epoch) = (record.slot.clone().unwrap_or_default(), record.slot_epoch);
                    ops.push(Op::Lose { slot, epoch, message: Some(pointer.message), ran_out: true });
                }
            }
            return;
        }
        assert_eq!(gate(&record.message(pointer.message), Status::Online, world.time()), Gate::Open);
        let mut slots = world.slots.clone();
        let until = world.time() + seconds(LONG);
        let named = match &slot {
            Some(slot) => Some(slot.clone()),
            None => slots.claim(None, self.capacity, world.time(), seconds(LONG)).map(|(name, _)| name),
        };
        let filled = named.and_then(|name| {
            let now = if self.breaks(Mutation::RunOutSlotIsFilled) { at(0) } else { world.time() };
            slots.fill(&name, id_of(pointer.message), world.generation, now, until).map(|_| name)
        });
        let Some(name) = filled else {
            if slot.is_some() {
                ops.clear();
                ops.push(Op::Look);
            }
            ops.push(Op::Hide { pointer, until: now });
            return;
        };
        let version = record.version;
        let fetched = slot.is_none();
        ops.push(Op::Commit { slot: name, fetched, pointer: pointer.clone(), seen: Box::new(slots), version });
        ops.push(Op::Hide { pointer, until: now + LONG });
    }

    fn commit(
        &self,
        world: &mut World,
        ops: &mut Vec<Op>,
        (name, fetched): (String, bool),
        pointer: Pointer,
        to: &Slots,
        version: u64,
    ) {
        let guarded = !self.breaks(Mutation::LeaseUnguarded);
        let moved = world.record(pointer.message).version != version || world.slots.version != to.version;
        if guarded && moved {
            ops.push(Op::Lease { slot: (!fetched).then_some(name), pointer });
            return;
        }
        let (now, place, filled) = (world.time(), pointer.message, to.slots[&name]);
        world.put_slots(to, guarded);
        let record = world.record(place);
        record.write(place, |message| {
            message.lease(now, &name, &filled, "", fetched);
            if fetched {
                message.deliver(now, "fetched");
            }
        });
        record.receipt = Some(pointer);
        let holding = Holding { message: place, slot: name, epoch: filled.epoch, generation: filled.generation };
        if fetched {
            ops.push(Op::Hand(holding));
            return;
        }
        ops.push(Op::Post(holding.clone()));
        if self.breaks(Mutation::SlotFreedBeforeTheAnswer) {
            ops.push(Op::EndSlot { slot: holding.slot, seen: filled });
        }
    }

    /// The agent gets it. This is what everything else is about.
    fn deliver(&self, world: &mut World, holding: &Holding, fetched: bool) {
        let now = world.now;
        let record = world.records[holding.message].as_ref().unwrap();
        let live = || world.hands.iter().filter(|hand| hand.until > now);
        let twice = live().any(|hand| hand.message == holding.message);
        let ours = record.slot_epoch == holding.epoch && record.state.is_held();
        let overtakes = record
            .after
            .iter()
            .any(|first| world.records[*first].as_ref().is_some_and(|first| !first.state.is_terminal()));
        let full = !twice && live().count() >= usize::try_from(self.capacity).unwrap();
        // Called off in the last moment: the agent is told so. Lost to a restart: the new agent does not take the bearer
        // of the generation before.
        let old = holding.generation < world.generation && !self.breaks(Mutation::OldBearerIsTaken);
        if !ours || old {
            return;
        }
        if twice && !self.dedupes {
            world.wrong = Some("two live deliveries of one message");
        } else if full {
            world.wrong = Some("more at once than the agent can take");
        } else if overtakes {
            world.wrong = Some("a message overtook another of its lane");
        }
        let until = world
            .slots
            .slots
            .get(&holding.slot)
            .filter(|slot| slot.epoch == holding.epoch)
            .map_or(now + LONG, |slot| u64::try_from(slot.until.millis()).unwrap() / 1000);
        world.hands.push(Hand { message: holding.message, epoch: holding.epoch, until, accepted: fetched });
    }

    /// What the drain does with what came of its call.
    pub(crate) fn outcome(&self, world: &mut World, at: usize, outcome: &Outcome) {
        let mut process = world.processes.remove(at);
        let Some(Op::Calling(holding)) = process.ops.pop() else { unreachable!("only a call has an outcome") };
        let message = world.record(holding.message).message(holding.message);
        let dedupes = self.dedupes || (self.breaks(Mutation::DoubtIsRepeated) && matches!(outcome, Outcome::Lost(_)));
        let ending = match settle(&message, outcome, 0, dedupes) {
            Next::Complete => Some(Ending::Answered),
            Next::Fail(_) => Some(Ending::Failed),
            Next::Await(_) => None,
            Next::Release { attempt, .. } => Some(Ending::Released { attempt }),
        };
        process.ops.push(match ending {
            None => Op::NoteDelivered(holding),
            Some(ending) => {
                let kept = !matches!(ending, Ending::Released { .. });
                Op::End { message: holding.message, epoch: holding.epoch, ending, kept, by: By::Drain }
            }
        });
        world.processes.push(process);
    }

    fn sweep_queue(&self, world: &World, ops: &mut Vec<Op>) {
        let records = || world.records.iter().enumerate().filter_map(|(place, record)| Some((place, record.as_ref()?)));
        if !self.polls {
            ops.push(Op::Wake);
        }
        let room = busy(&world.slots, None, world.time()) < self.capacity;
        let pointed = records().filter(|(_, record)| !record.state.is_terminal()).count();
        if !room || world.queue.len() >= pointed {
            return;
        }
        let lane_held = |place: Place| {
            records().any(|(other, record)| record.state.is_held() && self.lanes[other] == self.lanes[place])
        };
        let queued: Vec<Place> =
            records().filter(|(_, record)| record.state == State::Queued).map(|(place, _)| place).collect();
        let first = |place: Place| queued.iter().find(|other| self.lanes[**other] == self.lanes[place]).copied();
        let long_ago = |place: Place| {
            let sent = world.records[place].as_ref().and_then(|record| record.sent_at);
            sent.is_some_and(|sent| world.time().since(sent) > seconds(LOST_AFTER))
        };
        let forgotten = |place: &&Place| !lane_held(**place) && first(**place).is_some_and(long_ago);
        ops.extend(queued.iter().rev().filter(forgotten).map(|place| Op::Resend(*place)));
    }

    /// A new process of a kind, with its first steps.
    pub(crate) fn start(&self, kind: Kind, place: Place) -> Process {
        let ops = match kind {
            Kind::Sender if self.breaks(Mutation::WakeBeforePointer) => {
                vec![Op::Acknowledge(place), Op::Point(place, 1), Op::Wake, Op::Store(place)]
            }
            Kind::Sender => vec![Op::Wake, Op::Acknowledge(place), Op::Point(place, 1), Op::Store(place)],
            Kind::Drain => vec![Op::Look],
            Kind::Cancel => vec![Op::Cancel(place)],
            Kind::Sweep => vec![Op::Sweep],
            Kind::Fetch => vec![Op::Fetch],
            Kind::Result => Vec::new(),
        };
        Process { kind, ops }
    }
}
