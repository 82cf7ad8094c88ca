//! What the platform relies on in the services beneath it, as checks that run against any endpoint.

pub mod dynamodb;
pub mod sqs;
