//! Whoever must not: every route with every credential that does not serve there, and what it gives away.

mod access;
mod credentials;
mod guard;
mod hidden;
mod loopback;
mod names;
mod secrets;
