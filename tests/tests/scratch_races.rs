//! Scratch.
#[path = "in_process/races/mod.rs"]
mod races;
