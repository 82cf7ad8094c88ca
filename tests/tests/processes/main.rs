//! The platform and its agents as real processes, over HTTP.

mod delivery;
mod elsewhere;
mod gateway;
mod hold;
mod kills;
mod operator;
mod readme;
mod redelivery;
mod refusals;
mod restart;
mod stopping;
mod tour;
