//! Input that nobody should send, and input that looks wrong and is right. Whatever comes, the answer is a 4xx that says
//! what to do, it comes soon, and nothing has changed.

mod bodies;
mod edges;
mod fields;
mod limits;
mod mutations;
mod paths;
mod refusal;
mod values;
