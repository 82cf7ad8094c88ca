//! The local platform.

pub mod functions;
pub mod handler;
pub mod sqs;
