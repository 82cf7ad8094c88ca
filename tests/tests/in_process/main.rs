//! Handlers against the embedded AWS, in this process, with a clock that stands still.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at what it did not expect")]

mod a2a;
mod activity;
mod bad_input;
mod birth_and_end;
mod card;
mod cost;
mod delegations;
mod faults;
mod heartbeats;
mod inbox;
mod incidents;
mod kms;
mod ladder;
mod memories;
mod on_aws;
mod provisioning;
mod published;
mod queue;
mod races;
mod schedules;
mod secrets;
mod strangers;
mod streams;
mod tasks;
mod team;
mod trace;
mod unreadable;
