//! The program as the platform sees it: the real binary against a platform that records and answers as told.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod agent;
mod commands;
mod delivery;
mod heartbeat;
mod lifecycle;
mod messages;
mod platform;
mod poll;
mod reaper;
mod registration;
mod replaced;
mod secrets;
mod start;
