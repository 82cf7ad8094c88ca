//! Handlers against the embedded AWS, in this process, with a clock that stands still.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at what it did not expect")]

mod a2a;
mod bad_input;
mod cost;
mod faults;
mod incidents;
mod races;
mod strangers;
