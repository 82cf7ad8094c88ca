//! The embedded SQS: queues in memory behind the protocol that the AWS SDK speaks.
//!
//! `cargo run` needs queues that behave as the real ones do where the platform relies on it: message groups
//! that lock, a visibility timeout that is a lease, de-duplication, long polls. [`engine`] is the behaviour, pure
//! and on a clock that comes in as an argument, so that a test can live through fourteen days in a millisecond.
//! [`server`] is the HTTP front.
//!
//! Nothing is kept on disk. The message proper is a DynamoDB record and the queue carries its id; after a restart
//! the platform creates its queues and sends its pointers again.

pub mod engine;
pub mod server;

pub use engine::Engine;
pub use server::{Clock, Server, system_clock};
