//! What becomes of a message after one attempt to hand it to its agent.

use std::time::Duration;

use crate::message::{MAX_ATTEMPTS, Message, State};
use crate::status::Status;
use crate::time::Timestamp;

/// What happened when the agent was called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// No connection: certainly not delivered.
    Refused,
    /// The address is not one that the platform may call.
    UrlRefused(String),
    /// 429 or 503: the agent said that it did not take it.
    Busy {
        /// Its `Retry-After`.
        retry_after: Option<Duration>,
    },
    /// 401 or 403: the agent does not know this platform's bearer.
    Unauthorized(u16),
    /// The agent took it and answers later.
    Accepted,
    /// An answer, below 500.
    Answered(u16),
    /// 500 and above.
    ServerError(u16),
    /// An answer that could not be read.
    Broken(String),
    /// The connection ended after the request went out: perhaps delivered.
    Lost(String),
    /// No answer in time: it was delivered.
    TimedOut,
}

/// What to do with the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Store the answer; done.
    Complete,
    /// Keep slot and message; the answer comes later.
    Await(&'static str),
    /// Back into its lane.
    Release {
        /// Why.
        reason: String,
        /// How long to wait; zero for the next capacity.
        after: Duration,
        /// Whether the agent got it and failed.
        attempt: bool,
    },
    /// Ends without an answer.
    Fail(String),
}

/// The first wait after a busy answer; it doubles up to [`BUSY_BACKOFF_MAX`].
pub const BUSY_BACKOFF: Duration = Duration::from_secs(1);
/// The longest wait after a busy answer.
pub const BUSY_BACKOFF_MAX: Duration = Duration::from_secs(120);

/// Backoff before try number `tries + 1`.
pub fn backoff(tries: u32) -> Duration {
    BUSY_BACKOFF.saturating_mul(1 << tries.min(7)).min(BUSY_BACKOFF_MAX)
}

/// Settles one attempt. `releases` counts how often the message went back before without an attempt; `dedupes` says
/// that the agent de-duplicates by messageId, so that a doubtful delivery may be repeated.
pub fn settle(message: &Message, outcome: &Outcome, releases: u32, dedupes: bool) -> Next {
    let attempt = |reason: String| {
        if message.attempts + 1 >= MAX_ATTEMPTS {
            Next::Fail(format!("{reason}; {MAX_ATTEMPTS} attempts"))
        } else {
            Next::Release { reason, after: backoff(message.attempts), attempt: true }
        }
    };
    match outcome {
        Outcome::Answered(_) => Next::Complete,
        Outcome::Accepted => Next::Await("the agent accepted it and answers later"),
        Outcome::TimedOut if dedupes => attempt("no answer in time".to_owned()),
        Outcome::TimedOut => Next::Await("delivered; no answer in time"),
        Outcome::Lost(why) if dedupes => attempt(format!("the connection was lost: {why}")),
        Outcome::Lost(_) => Next::Await("perhaps delivered; the connection was lost before the answer"),
        Outcome::Refused => release("the agent refuses connections", backoff(releases)),
        Outcome::UrlRefused(why) => release(&format!("the agent's URL may not be called: {why}"), BUSY_BACKOFF_MAX),
        Outcome::Unauthorized(status) => release(
            &format!("the agent answered {status} to the platform's bearer; it must register again"),
            backoff(releases),
        ),
        Outcome::Busy { retry_after } => {
            let after = retry_after.unwrap_or_else(|| backoff(releases)).min(BUSY_BACKOFF_MAX);
            release("the agent is busy", after)
        }
        Outcome::ServerError(status) => attempt(format!("the agent answered {status}")),
        Outcome::Broken(why) => attempt(format!("the agent's answer could not be read: {why}")),
    }
}

fn release(reason: &str, after: Duration) -> Next {
    Next::Release { reason: reason.to_owned(), after, attempt: false }
}

/// Whether a message may be handed out now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gate {
    /// Yes.
    Open,
    /// It waits, with the reason in its record.
    Wait(String),
    /// It ends here.
    End(State, String),
}

/// The gate before a delivery: deadline, not-before, and the target's true status.
pub fn gate(message: &Message, target: Status, now: Timestamp) -> Gate {
    if message.state != State::Queued {
        return Gate::End(message.state, "not queued".to_owned());
    }
    if target == Status::Removed {
        return Gate::End(State::Dropped, "the workspace was removed".to_owned());
    }
    if message.deadline <= now {
        return Gate::End(State::Expired, "its deadline passed before it could be delivered".to_owned());
    }
    if message.not_before.is_some_and(|at| at > now) {
        return Gate::Wait("not before its time".to_owned());
    }
    if !target.is_dispatchable() {
        return Gate::Wait(waiting_for(target));
    }
    Gate::Open
}

/// Why a message to a workspace of this status waits.
pub fn waiting_for(status: Status) -> String {
    format!("the workspace is {status}")
}

#[cfg(test)]
mod tests;
