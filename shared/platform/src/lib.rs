//! Everything of the control plane that talks: DynamoDB, SQS, agents over HTTP, authentication, HTTP errors, telemetry.
//!
//! A function's path is short: event → [`auth`] → parse → a rule of the `rules` crate → one write of [`store`] → answer.

pub mod accept;
pub mod agents;
pub mod ask;
pub mod auth;
pub mod aws;
pub mod batch;
pub mod bus;
pub mod clock;
pub mod config;
pub mod deadline;
pub mod decide;
pub mod delivery;
pub mod entropy;
pub mod fires;
pub mod http;
pub mod ladder;
pub mod lambda;
pub mod lease;
pub mod lost;
pub mod measures;
pub mod memories;
pub mod mint;
pub mod openapi;
pub mod platform;
pub mod problem;
pub mod provisioner;
pub mod queues;
pub mod resend;
pub mod schema;
pub mod sealing;
pub mod secrets;
pub mod stitch;
pub mod store;
pub mod telemetry;
pub mod trace;
pub mod view;
pub mod waiting;
pub mod wake;

pub use http::{Call, Reply, Router};
pub use platform::{Platform, Services};
pub use problem::{Problem, Result};
