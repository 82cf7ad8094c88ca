//! The Docker backend against a real Engine. Where none answers, each test says so and passes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops at what it did not expect")]

mod bench;
mod ends;
mod names;
mod silence;
mod starts;
mod stops;
