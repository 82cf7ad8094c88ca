//! All that can happen next.

use rules::dispatch::Outcome;

use crate::protocol::Protocol;
use crate::world::{By, Ending, Hand, Holding, Kind, LONG, Op, Place, Process, SHORT, World};

/// One thing that happens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    Send(Place),
    /// The next step of a process.
    Step(usize),
    /// A wake starts a drain.
    Drain,
    /// The agent fetches.
    Fetch,
    Answers(usize),
    SaysLater(usize),
    SaysBusy(usize),
    Fails(usize),
    LosesTheConnection(usize),
    /// The call came with the bearer of the generation before.
    Refuses(usize),
    HandsOver(usize),
    GivesBack(usize),
    /// It is done, and nobody hears of it.
    IsNotHeard(usize),
    Dies,
    StartsAnew,
    Crash(usize),
    LoseWake,
    ShowAgain(usize),
    Copy(usize),
    TimePasses,
    Sweep,
    Cancel(Place),
    /// Much later, the sweep looks.
    Recover,
}

impl Protocol {
    pub(crate) fn possible(&self, world: &World, actions: &mut Vec<Action>) {
        if world.wrong.is_some() {
            return;
        }
        let left = world.left;
        for place in 0..self.lanes.len() {
            let first = Op::Store(place);
            let sends = world.processes.iter().any(|process| process.ops.last() == Some(&first));
            if world.records[place].is_none() && !sends && world.calm_enough_to_send(place) {
                actions.push(Action::Send(place));
            }
            if left.cancels > 0 && world.records[place].as_ref().is_some_and(|record| !record.state.is_terminal()) {
                actions.push(Action::Cancel(place));
            }
        }
        for (at, process) in world.processes.iter().enumerate() {
            if let Some(Op::Calling(holding)) = process.ops.last() {
                self.outcomes(world, at, holding, actions);
            } else {
                actions.push(Action::Step(at));
            }
            if left.crashes > 0 {
                actions.push(Action::Crash(at));
            }
        }
        let drains = world.processes.iter().filter(|process| process.kind == Kind::Drain).count();
        if world.wakes > 0 && drains < self.drains {
            actions.push(Action::Drain);
        }
        if world.wakes > 0 && left.lost_wakes > 0 {
            actions.push(Action::LoseWake);
        }
        let fetches = world.processes.iter().filter(|process| process.kind == Kind::Fetch).count();
        if self.polls && fetches < self.drains && world.receivable(Some(&self.lanes)).is_some() {
            actions.push(Action::Fetch);
        }
        for (at, hand) in world.hands.iter().enumerate() {
            let called = self.is_called(world, hand);
            if hand.accepted && !called {
                actions.push(Action::HandsOver(at));
                if self.polls && left.busy > 0 {
                    actions.push(Action::GivesBack(at));
                }
            } else if !called {
                actions.push(Action::IsNotHeard(at));
            }
        }
        if left.deaths > 0 && !world.hands.is_empty() {
            actions.push(Action::Dies);
        }
        if left.restarts > 0 {
            actions.push(Action::StartsAnew);
        }
        if left.duplicates > 0 {
            for (at, (pointer, hidden)) in world.queue.iter().enumerate() {
                if *hidden > world.now {
                    actions.push(Action::ShowAgain(at));
                }
                if !pointer.copy {
                    actions.push(Action::Copy(at));
                }
            }
        }
        if left.ticks > 0 {
            actions.push(Action::TimePasses);
        }
        let sweeps = world.processes.iter().any(|process| process.kind == Kind::Sweep);
        if left.sweeps > 0 && world.indexed && !sweeps {
            actions.push(Action::Sweep);
        }
        if self.is_quiet(world) && world.open() > 0 && !world.calm && world.recoveries < 3 && world.indexed {
            actions.push(Action::Recover);
        }
    }

    fn outcomes(&self, world: &World, at: usize, holding: &Holding, actions: &mut Vec<Action>) {
        let left = world.left;
        if !world.hands.iter().any(|hand| (hand.message, hand.epoch) == (holding.message, holding.epoch)) {
            actions.push(Action::LosesTheConnection(at));
            if holding.generation < world.generation {
                actions.push(Action::Refuses(at));
            }
            return;
        }
        actions.extend([Action::Answers(at), Action::SaysLater(at)]);
        if left.busy > 0 {
            actions.push(Action::SaysBusy(at));
        }
        if left.errors > 0 {
            actions.push(Action::Fails(at));
        }
        if left.lost > 0 {
            actions.push(Action::LosesTheConnection(at));
        }
    }

    fn is_called(&self, world: &World, hand: &Hand) -> bool {
        world.processes.iter().any(|process| {
            matches!(process.ops.last(), Some(Op::Calling(holding)) if (holding.message, holding.epoch) == (hand.message, hand.epoch))
        })
    }

    /// Nobody works, nobody will: what is open now stays open until the sweep looks.
    pub(crate) fn is_quiet(&self, world: &World) -> bool {
        let fetchable = self.polls && world.receivable(Some(&self.lanes)).is_some();
        world.processes.is_empty()
            && world.wakes == 0
            && world.hands.is_empty()
            && !fetchable
            && world.records.iter().all(Option::is_some)
    }

    pub(crate) fn act(&self, world: &mut World, action: &Action) {
        match action {
            Action::Send(place) => world.processes.push(self.start(Kind::Sender, *place)),
            Action::Step(at) => self.step(world, *at),
            Action::Drain => {
                world.wakes -= 1;
                world.processes.push(self.start(Kind::Drain, 0));
            }
            Action::Fetch => world.processes.push(self.start(Kind::Fetch, 0)),
            Action::Answers(at) => {
                self.put_down(world, *at);
                self.outcome(world, *at, &Outcome::Answered(200));
            }
            Action::SaysBusy(at) => {
                world.left.busy -= 1;
                self.put_down(world, *at);
                self.outcome(world, *at, &Outcome::Busy { retry_after: None });
            }
            Action::Fails(at) => {
                world.left.errors -= 1;
                self.put_down(world, *at);
                self.outcome(world, *at, &Outcome::ServerError(500));
            }
            Action::SaysLater(at) => {
                if let Some(Op::Calling(holding)) = world.processes[*at].ops.last().cloned()
                    && let Some(hand) = world.hands.iter_mut().find(|hand| hand.epoch == holding.epoch)
                {
                    hand.accepted = true;
                }
                self.outcome(world, *at, &Outcome::Accepted);
            }
            Action::Refuses(at) => self.outcome(world, *at, &Outcome::Unauthorized(401)),
            Action::LosesTheConnection(at) => {
                let there = matches!(world.processes[*at].ops.last(), Some(Op::Calling(holding))
                    if world.hands.iter().any(|hand| hand.epoch == holding.epoch));
                world.left.lost -= u8::from(there);
                world.calm = false;
                self.outcome(world, *at, &Outcome::Lost("gone".to_owned()));
            }
            Action::HandsOver(at) | Action::GivesBack(at) => {
                let hand = world.hands.remove(*at);
                let ending = match action {
                    Action::GivesBack(_) => {
                        world.left.busy -= 1;
                        Ending::Released { attempt: false }
                    }
                    _ => Ending::Answered,
                };
                let end = Op::End { message: hand.message, epoch: hand.epoch, ending, kept: false, by: By::Caller };
                world.processes.push(Process { kind: Kind::Result, ops: vec![end] });
            }
            Action::IsNotHeard(at) => {
                world.hands.remove(*at);
                world.calm = false;
            }
            Action::Dies => {
                world.left.deaths -= 1;
                world.hands.clear();
                world.calm = false;
            }
            Action::StartsAnew => {
                world.left.restarts -= 1;
                world.hands.clear();
                world.generation += 1;
                world.calm = false;
            }
            Action::Crash(at) => self.crash(world, *at),
            Action::LoseWake => {
                world.left.lost_wakes -= 1;
                world.wakes -= 1;
                world.calm = false;
            }
            Action::ShowAgain(at) => {
                world.left.duplicates -= 1;
                world.queue[*at].1 = world.now;
                world.calm = false;
            }
            Action::Copy(at) => {
                world.left.duplicates -= 1;
                let mut copy = world.queue[*at].0.clone();
                copy.copy = true;
                world.queue.insert(*at + 1, (copy, world.now));
                world.calm = false;
            }
            Action::TimePasses => {
                world.left.ticks -= 1;
                world.calm = false;
                self.pass(world, SHORT);
            }
            Action::Sweep => {
                world.left.sweeps -= 1;
                world.processes.push(self.start(Kind::Sweep, 0));
            }
            Action::Cancel(place) => {
                world.left.cancels -= 1;
                world.processes.push(self.start(Kind::Cancel, *place));
            }
            Action::Recover => {
                world.recoveries += 1;
                self.pass(world, LONG);
                world.processes.push(self.start(Kind::Sweep, 0));
            }
        }
        world.normalise();
    }

    /// The agent is done with what a drain called it with.
    fn put_down(&self, world: &mut World, at: usize) {
        if let Some(Op::Calling(holding)) = world.processes[at].ops.last().cloned() {
            world.hands.retain(|hand| hand.epoch != holding.epoch);
        }
    }

    /// A turn ends at its ceiling.
    fn pass(&self, world: &mut World, length: u64) {
        world.now += length;
        let now = world.now;
        world.hands.retain(|hand| hand.until > now);
    }

    /// A process is gone in the middle of its work. Its wake comes again; an agent repeats its result.
    fn crash(&self, world: &mut World, at: usize) {
        world.left.crashes -= 1;
        world.calm = false;
        let process = world.processes.remove(at);
        match process.kind {
            Kind::Drain => world.wakes = (world.wakes + 1).min(2),
            Kind::Result if process.ops.iter().any(|op| matches!(op, Op::End { .. })) => world.processes.push(process),
            // Its sender heard nothing and gives up, or asks again and finds it.
            Kind::Sender if process.ops.iter().any(|op| matches!(op, Op::Store(_))) => world.processes.push(process),
            Kind::Sender | Kind::Result | Kind::Cancel | Kind::Sweep | Kind::Fetch => {}
        }
    }
}

impl World {
    /// Who sends the next one is independent of all, but messages are counted in the order of their sending.
    fn calm_enough_to_send(&self, place: Place) -> bool {
        (0..place).all(|before| {
            self.records[before].is_some()
                || self.processes.iter().any(|process| process.ops.last() == Some(&Op::Store(before)))
        })
    }
}
