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
pub mod dispatch;
pub mod envelope;
pub mod event;
pub mod field;
#[cfg(test)]
mod fixtures;
pub mod health;
pub mod heartbeat;
pub mod id;
pub mod ladder;
pub mod lane;
pub mod lease;
pub mod liveness;
pub mod memory;
pub mod message;
pub mod reason;
pub mod register;
pub mod schedule;
pub mod session;
pub mod slots;
pub mod starvation;
pub mod status;
pub mod task;
pub mod tier;
pub mod time;
pub mod token;
pub mod transition;
pub mod url_policy;
pub mod workspace;

pub use id::{MemoryId, MessageId, ScheduleId, TokenId, WorkspaceId};
pub use status::Status;
pub use time::Timestamp;
