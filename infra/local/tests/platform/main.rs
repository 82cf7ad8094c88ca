//! The platform in one process, and as a process.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod elsewhere;
mod function;
mod gateway;
mod process;
mod queue;
mod restart;
mod schedule;
