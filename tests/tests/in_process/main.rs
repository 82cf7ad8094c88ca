//! Handlers against the embedded AWS, in this process, with a clock that stands still.

mod a2a;
mod bad_input;
mod faults;
mod incidents;
mod races;
mod strangers;
