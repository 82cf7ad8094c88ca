//! Histories: concurrent senders against push and poll agents that are slow, busy, failing, crashing and late, under
//! injected faults of DynamoDB and SQS; what was seen is recorded, and a checker that knows nothing of the platform judges it.
//!
//! `HISTORY_SEEDS=n` sets how many seeds run (else 200); `HISTORY_SEED=n` replays one, as a failure asks for. The same
//! judge hears of the platform as a process that is killed: `KILL_RUNS=n` sets how often (else 10 runs).
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at what it did not expect")]

mod agent;
mod checker;
mod faults;
mod history;
mod killed;
mod run;
mod scenario;
mod wrong;
