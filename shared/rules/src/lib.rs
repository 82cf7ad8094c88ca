//! The rules of the control plane, pure: no AWS, no tokio, no clock, no randomness. Time and ids come in as arguments.
//!
//! A handler fetches, asks a rule here, and stores the answer. If a decision has to be read out of a handler, it is in
//! the wrong place. Each module is one concept with a table test that reads like its specification.

pub mod access;
pub mod activity;
pub mod card;
pub mod credential;
pub mod cron;
pub mod delegation;
pub mod delivery;
pub mod diagnosis;
pub mod dispatch;
pub mod ecs;
pub mod engine;
pub mod envelope;
pub mod event;
pub mod field;
#[cfg(test)]
mod fixtures;
pub mod health;
pub mod heartbeat;
pub mod id;
pub mod idle;
pub mod ladder;
pub mod lane;
pub mod lease;
pub mod liveness;
pub mod memory;
pub mod message;
pub mod published;
pub mod reason;
pub mod register;
pub mod restart;
pub mod restart_message;
pub mod schedule;
pub mod secret;
pub mod session;
pub mod slots;
pub mod start;
pub mod starvation;
pub mod status;
pub mod task;
pub mod team;
pub mod tier;
pub mod time;
pub mod token;
pub mod trace;
pub mod transition;
pub mod url_policy;
pub mod workspace;

pub use id::{MemoryId, MessageId, ScheduleId, TokenId, WorkspaceId};
pub use status::Status;
pub use time::Timestamp;
