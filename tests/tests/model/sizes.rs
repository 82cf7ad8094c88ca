//! The sizes that are searched through whole. `MODEL_FULL=1` adds those that take minutes.

use stateright::{Checker, Model};

use crate::act::Action;
use crate::protocol::Protocol;
use crate::world::{Budget, World};

fn search(name: &str, protocol: Protocol) {
    let checker = protocol.checker().threads(2).spawn_bfs().join();
    for (property, path) in checker.discoveries() {
        if property != "all messages end" {
            let last = path.last_state().clone();
            let steps: Vec<_> =
                path.into_vec().into_iter().filter_map(|(world, action)| told(&world, action)).collect();
            panic!("{name}: not \"{property}\":\n{}\n{last:?}", steps.join("\n"));
        }
    }
    assert!(checker.discovery("all messages end").is_some(), "{name}: nothing ever ends");
    println!("{name}: {} states", checker.unique_state_count());
}

/// A line of a counterexample.
fn told(world: &World, action: Option<Action>) -> Option<String> {
    Some(match action? {
        Action::Step(at) => format!("{:?}: {:?}", world.processes[at].kind, world.processes[at].ops.last()),
        other => format!("{other:?}"),
    })
}

fn push(lanes: &[u8], capacity: u32) -> Protocol {
    let budget = Budget::default();
    Protocol { lanes: lanes.to_vec(), polls: false, dedupes: false, capacity, drains: 2, budget, mutation: None }
}

fn with(protocol: &Protocol, budget: Budget) -> Protocol {
    Protocol { budget, ..protocol.clone() }
}

/// One fault of each kind, beside the two messages of a lane or of two.
fn faults() -> Vec<(&'static str, Budget)> {
    let none = Budget::default();
    vec![
        ("no fault", none),
        ("a crash", Budget { crashes: 1, ..none }),
        ("a lost wake", Budget { lost_wakes: 1, ..none }),
        ("a pointer twice", Budget { duplicates: 1, ..none }),
        ("slots run out", Budget { ticks: 1, ..none }),
        ("a busy agent", Budget { busy: 1, ..none }),
        ("an agent that fails", Budget { errors: 1, ..none }),
        ("a lost connection", Budget { lost: 1, ..none }),
        ("an agent that dies", Budget { deaths: 1, ..none }),
        ("an agent that is started anew", Budget { restarts: 1, ..none }),
        ("a sender that calls off", Budget { cancels: 1, ..none }),
        ("a sweep at any time", Budget { sweeps: 1, ..none }),
    ]
}

fn each_fault(name: &str, protocol: &Protocol) {
    for (fault, budget) in faults() {
        search(&format!("{name}, {fault}"), with(protocol, budget));
    }
}

#[test]
fn two_messages_of_two_lanes_for_one_slot() {
    each_fault("two lanes, one slot", &push(&[0, 1], 1));
}

#[test]
fn two_messages_of_one_lane_for_two_slots() {
    let one_lane = push(&[0, 0], 2);
    let full = std::env::var_os("MODEL_FULL").is_some();
    for (fault, budget) in faults() {
        // Each of these takes a minute or more.
        let large =
            budget.crashes + budget.duplicates + budget.ticks + budget.restarts + budget.cancels + budget.sweeps > 0;
        if full || !large {
            search(&format!("one lane, two slots, {fault}"), with(&one_lane, budget));
        }
    }
}

#[test]
fn two_messages_for_an_agent_that_fetches() {
    each_fault("fetched, one lane", &Protocol { polls: true, ..push(&[0, 0], 2) });
    each_fault("fetched, two lanes, one slot", &Protocol { polls: true, ..push(&[0, 1], 1) });
}

#[test]
fn one_message_and_two_faults() {
    let one = push(&[0], 1);
    for (first, budget) in faults() {
        for (second, other) in faults() {
            let both = budget + other;
            search(&format!("one message, {first} and {second}"), with(&one, both));
            search(
                &format!("one message, de-duplicated, {first} and {second}"),
                Protocol { dedupes: true, ..with(&one, both) },
            );
        }
    }
}
