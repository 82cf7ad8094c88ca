//! The protocol as a model for the checker, and what must always hold.

use rules::slots::Slots;
use stateright::{Model, Property};

use crate::act::Action;
use crate::mutations::Mutation;
use crate::world::{Budget, World};

/// One size of the protocol.
#[derive(Debug, Clone)]
pub(crate) struct Protocol {
    /// The lane of each message.
    pub(crate) lanes: Vec<u8>,
    /// The agent fetches instead of being called.
    pub(crate) polls: bool,
    /// It de-duplicates by messageId.
    pub(crate) dedupes: bool,
    pub(crate) capacity: u32,
    /// How many drains, or fetches, at once.
    pub(crate) drains: usize,
    pub(crate) budget: Budget,
    pub(crate) mutation: Option<Mutation>,
}

impl Protocol {
    pub(crate) fn breaks(&self, mutation: Mutation) -> bool {
        self.mutation == Some(mutation)
    }
}

impl Model for Protocol {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World {
            now: 0,
            slots: Slots::default(),
            indexed: false,
            generation: 0,
            records: vec![None; self.lanes.len()],
            queue: Vec::new(),
            wakes: 0,
            processes: Vec::new(),
            hands: Vec::new(),
            left: self.budget,
            calm: true,
            recoveries: 0,
            wrong: None,
        }]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        self.possible(world, actions);
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        let mut next = world.clone();
        self.act(&mut next, &action);
        (next != *world).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(
                "one live delivery, capacity, lane order, old epochs change nothing",
                |_, world: &World| world.wrong.is_none(),
            ),
            Property::always("the open messages are counted", |_, world: &World| {
                i64::try_from(world.open()) == Ok(world.slots.open)
            }),
            Property::always(
                "no wake is lost: without faults all is done without a sweep",
                |protocol: &Self, world: &World| !(world.calm && protocol.is_quiet(world)) || world.open() == 0,
            ),
            Property::always("what is open is in the sweep's index", |protocol: &Self, world: &World| {
                !protocol.is_quiet(world) || world.open() == 0 || world.indexed
            }),
            Property::always("nothing is lost: sweeps end it all", |protocol: &Self, world: &World| {
                !(protocol.is_quiet(world) && world.recoveries == 3) || world.open() == 0
            }),
            Property::sometimes("all messages end", |protocol: &Self, world: &World| {
                protocol.is_quiet(world) && world.open() == 0
            }),
        ]
    }
}
