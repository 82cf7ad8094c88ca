//! How a delivery ends, for whatever reason. Its transaction is bound to all that it read, so it is one step.

use rules::dispatch::{Loss, Next, settle_lost};
use rules::message::State;

use crate::mutations::Mutation;
use crate::protocol::Protocol;
use crate::world::{By, Ending, Op, Place, SHORT, World, seconds};

impl Protocol {
    pub(crate) fn end(
        &self,
        world: &mut World,
        ops: &mut Vec<Op>,
        (place, epoch): (Place, u64),
        ending: Ending,
        kept: bool,
        by: By,
    ) {
        let now = world.time();
        let record = world.record(place);
        let late = !record.state.is_held() || record.slot_epoch != epoch;
        let counts = record.state.is_held() && self.breaks(Mutation::LateAnswerCounts);
        if late && !counts {
            record.version += 1;
            if by == By::Drain {
                ops.clear();
                ops.push(Op::Look);
            }
            return;
        }
        let (slot, receipt) = (record.slot.clone().unwrap_or_default(), record.receipt.clone());
        if record.slot_epoch != epoch && ending == Ending::Answered {
            world.wrong = Some("the answer of an old delivery settled a newer one");
        }
        let record = world.record(place);
        record.write(place, |message| match ending {
            Ending::Answered => message.finish(now, State::Completed, ""),
            Ending::Failed => message.fail(now, "failed"),
            Ending::Cancelled => message.finish(now, State::Cancelled, "cancelled"),
            Ending::Released { attempt } => message.release(now, "released", None, attempt),
        });
        let ended = record.state.is_terminal();
        let mut slots = world.slots.clone();
        let in_hands = slots.slots.get(&slot).is_some_and(|held| held.epoch == epoch);
        match kept {
            true => slots.reuse(&slot, now, seconds(SHORT)),
            false => slots.end(&slot, now),
        };
        if !in_hands && !self.breaks(Mutation::SlotFreedBeforeTheAnswer) && world.slots.slots.contains_key(&slot) {
            world.wrong = Some("an ending touched the slot of another delivery");
        }
        world.put_slots(&slots, true);
        match by {
            By::Drain if matches!(ending, Ending::Released { .. }) => {
                // It comes back after a while: a reminder wakes then.
                ops.clear();
                ops.push(Op::Wake);
            }
            By::Caller => ops.push(Op::Wake),
            By::Drain | By::Finder => {}
        }
        if let Some(pointer) = receipt {
            ops.push(match ending {
                Ending::Released { .. } => Op::Hide { pointer, until: world.now },
                _ => Op::Delete(pointer),
            });
        }
        if ended && self.breaks(Mutation::OpenCountedApart) {
            ops.push(Op::CountLess);
        } else if ended {
            world.slots.open -= 1;
        }
    }

    /// Somebody found a delivery that nobody will end.
    pub(crate) fn lose(
        &self,
        world: &mut World,
        ops: &mut Vec<Op>,
        (_, epoch): (String, u64),
        message: Option<Place>,
        ran_out: bool,
    ) {
        let Some(place) = message else { return };
        let record = world.record(place);
        if record.slot_epoch != epoch || !record.state.is_held() {
            return;
        }
        let loss = if ran_out { Loss::RanOut } else { Loss::StartedAnew };
        let ending = match settle_lost(&record.message(place), loss, self.dedupes) {
            Next::Release { attempt, .. } => Ending::Released { attempt },
            Next::Fail(_) => Ending::Failed,
            Next::Complete | Next::Await(_) => return,
        };
        self.end(world, ops, (place, epoch), ending, false, By::Finder);
    }

    /// Calls a message off, wherever it is; an agent that has it is told.
    pub(crate) fn cancel(&self, world: &mut World, ops: &mut Vec<Op>, place: Place) {
        let now = world.time();
        let record = world.record(place);
        let epoch = record.slot_epoch;
        match record.state {
            State::Queued => {
                record.write(place, |message| message.finish(now, State::Cancelled, "cancelled"));
                world.slots.open -= 1;
            }
            state if state.is_held() => {
                world.hands.retain(|hand| (hand.message, hand.epoch) != (place, epoch));
                self.end(world, ops, (place, epoch), Ending::Cancelled, false, By::Caller);
            }
            _ => {}
        }
    }
}
