//! The platform and its agents as real processes, over HTTP.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cron;
mod delivery;
mod elsewhere;
mod gateway;
mod hold;
mod kills;
mod operator;
mod poll;
mod readme;
mod redelivery;
mod refusals;
mod restart;
mod stopping;
mod streams;
mod tour;
