//! The protocol broken in one place: each break must be found.

use stateright::{Checker, HasDiscoveries, Model};

use crate::protocol::Protocol;
use crate::world::Budget;

/// What is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mutation {
    /// A drain ends without looking whether somebody woke it.
    CloseIgnoresWakes,
    /// A wake that finds no room says so to nobody.
    FullClaimIsSilent,
    /// It says so, and does not look whether anybody was there to hear it.
    NoLookAfterNote,
    /// The wake goes out before there is anything to find.
    WakeBeforePointer,
    /// Two drains claim what only one can have.
    ClaimUnguarded,
    /// Two drains lease one message.
    LeaseUnguarded,
    /// An answer counts, whichever delivery it is of.
    LateAnswerCounts,
    /// A connection that was lost counts as "not delivered".
    DoubtIsRepeated,
    /// The slot is given back while the agent works.
    SlotFreedBeforeTheAnswer,
    /// The count of open messages is a write of its own.
    OpenCountedApart,
    /// A slot that ran out is filled all the same, while somebody else ends it.
    RunOutSlotIsFilled,
    /// A new agent takes a call that shows the bearer of the generation before.
    OldBearerIsTaken,
    /// The queue has no groups.
    QueueWithoutLanes,
}

fn found(mutation: Mutation, protocol: Protocol) {
    let broken = Protocol { mutation: Some(mutation), ..protocol };
    let checker = broken.checker().threads(2).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    let found = checker.discoveries();
    let wrong: Vec<_> = found.iter().filter(|(name, _)| **name != "all messages end").collect();
    assert!(!wrong.is_empty(), "{mutation:?} was not found in {} states", checker.unique_state_count());
    for (name, path) in wrong {
        println!("{mutation:?}: not \"{name}\" after {} steps", path.clone().into_actions().len());
    }
}

fn small(lanes: &[u8], drains: usize, capacity: u32, budget: Budget) -> Protocol {
    Protocol { lanes: lanes.to_vec(), polls: false, dedupes: false, capacity, drains, budget, mutation: None }
}

const NONE: Budget = Budget {
    crashes: 0,
    lost_wakes: 0,
    duplicates: 0,
    ticks: 0,
    busy: 0,
    errors: 0,
    lost: 0,
    deaths: 0,
    restarts: 0,
    cancels: 0,
    sweeps: 0,
};

#[test]
fn each_break_is_found() {
    let two = |budget| small(&[0, 1], 2, 1, budget);
    let cases = [
        (Mutation::CloseIgnoresWakes, two(NONE)),
        (Mutation::FullClaimIsSilent, two(NONE)),
        (Mutation::NoLookAfterNote, two(NONE)),
        (Mutation::WakeBeforePointer, two(NONE)),
        (Mutation::ClaimUnguarded, two(NONE)),
        (Mutation::LeaseUnguarded, small(&[0, 1], 2, 2, Budget { duplicates: 1, ..NONE })),
        (Mutation::LateAnswerCounts, small(&[0], 1, 1, Budget { restarts: 1, ..NONE })),
        (Mutation::DoubtIsRepeated, small(&[0], 1, 1, Budget { lost: 1, ..NONE })),
        (Mutation::SlotFreedBeforeTheAnswer, two(NONE)),
        (Mutation::OpenCountedApart, small(&[0], 1, 1, Budget { crashes: 1, ..NONE })),
        (Mutation::RunOutSlotIsFilled, two(Budget { ticks: 1, ..NONE })),
        (Mutation::OldBearerIsTaken, small(&[0], 1, 1, Budget { restarts: 1, ..NONE })),
        (Mutation::QueueWithoutLanes, small(&[0, 0], 2, 2, NONE)),
    ];
    for (mutation, protocol) in cases {
        found(mutation, protocol);
    }
}
