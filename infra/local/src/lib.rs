//! The whole platform in one process: `cargo run`.
//!
//! The functions are those that run on Lambda, and they get what they get there: events as JSON, and AWS clients that
//! speak to DynamoDB and SQS over HTTP. This crate is what AWS is around them: [`gateway`] for API Gateway, [`triggers`]
//! for event source mappings and EventBridge rules, [`dynamodb`] and [`sqs`]. [`template`] says which function gets what,
//! from the file that deploys it.

pub mod aws;
pub mod backend;
pub mod data;
pub mod dynamodb;
pub mod engine;
pub mod error;
pub mod function;
pub mod functions;
pub mod gateway;
pub mod handler;
pub mod log;
mod metrics;
pub mod openapi;
pub mod options;
pub mod outside;
pub mod queues;
pub mod registry;
pub mod run;
pub mod sqs;
pub mod stopping;
pub mod template;
pub mod triggers;

pub use error::StartError;
pub use options::{Data, Options};
pub use run::{Running, start};
pub use triggers::Schedules;
