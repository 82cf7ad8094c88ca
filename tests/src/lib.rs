//! The test bench: worlds in this process, control over every AWS request, conformance suites for the endpoints.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a broken bench must stop the test")]

pub mod account;
pub mod api;
pub mod conformance;
pub mod cost;
pub mod engine;
pub mod fake_agent;
pub mod gate;
pub mod invariants;
pub mod played;
pub mod policies;
pub mod privileges;
pub mod process;
pub mod recorded;
pub mod world;

pub use account::Account;
pub use api::Cast;
pub use fake_agent::{FakeAgent, Mood, Script};
pub use gate::{Fault, Gate};
pub use world::{ADMIN, Agent, Answer, SEALING_KEY, World};
