//! stub

pub mod conformance;
