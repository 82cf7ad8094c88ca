//! Scratch.
#[path = "in_process/faults/mod.rs"]
mod faults;
#[path = "in_process/races/mod.rs"]
mod races;
