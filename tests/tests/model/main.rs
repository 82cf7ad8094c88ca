//! The protocol of messages, slots and pointers as a state machine, searched through for small sizes: all orders of all
//! steps, with crashes between any two, lost wakes, pointers delivered twice, slots that run out, agents that are busy,
//! fail, answer late or never. What decides is decided by the rules of the product; the model knows the steps in between:
//! one step is one request to table, queue or agent.
//!
//! A checker that finds nothing is worth nothing: `mutations` breaks the protocol in one place at a time.
#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod act;
mod end;
mod mutations;
mod protocol;
mod sizes;
mod steps;
mod world;
