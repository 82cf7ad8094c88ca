//! What becomes of a message after one attempt to hand it to its agent.

use std::time::Duration;

use crate::lease::Beat;
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
    /// It is not known where it is: the engine of one that has just come up has not told yet.
    NoAddress,
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
        Outcome::NoAddress => release("the agent has no address yet", backoff(releases)),
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

/// Why a message that was handed out will not be answered any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// The time of its delivery ran out.
    RanOut,
    /// The workspace was started anew: the agent that had it is gone.
    StartedAnew,
    /// Two heartbeats, both sent after the delivery, reported no running task.
    Idle,
}

impl Loss {
    const fn why(self) -> &'static str {
        match self {
            Self::RanOut => "the time of its delivery ran out without an answer",
            Self::StartedAnew => "the workspace was started anew before it answered",
            Self::Idle => "two heartbeats after its delivery reported no running task, and no answer came",
        }
    }
}

/// Settles a message whose answer is lost. It was delivered, perhaps: it is sent again only to a new generation, to an
/// agent that de-duplicates by messageId, or to one that fetches and let its lease run out; and each time is an attempt,
/// so that a message which kills its agent ends. Otherwise nobody knows whether its turn was done, and it fails.
pub fn settle_lost(message: &Message, loss: Loss, dedupes: bool) -> Next {
    let again = dedupes || message.fetched || loss == Loss::StartedAnew;
    if !again {
        return Next::Fail(format!("answer_lost: {}", loss.why()));
    }
    if message.attempts + 1 >= MAX_ATTEMPTS {
        return Next::Fail(format!("answer_lost: {}; {MAX_ATTEMPTS} attempts", loss.why()));
    }
    Next::Release { reason: loss.why().to_owned(), after: Duration::ZERO, attempt: true }
}

/// Whether two idle heartbeats in a row prove that a held message's answer is lost. Both must have been sent after it was
/// handed out, and its delivery must be over: an agent that fetches says itself how long it needs, and while the platform
/// still waits on the connection, for at most `hold`, the agent may well be at work without counting it.
pub fn is_lost_to_idleness(message: &Message, before: &Beat, beat: &Beat, hold: Duration, now: Timestamp) -> bool {
    let Some(handed_out) = message.dispatched_at else { return false };
    let sent = |beat: &Beat| beat.sent_at.map_or(beat.at, |sent| sent.min(beat.at));
    let idle_after = |beat: &Beat| beat.active_tasks == 0 && sent(beat) > handed_out;
    let over = match message.state {
        State::Delivered => true,
        State::Dispatched => now.since(handed_out) > hold + LAST_WORDS,
        _ => false,
    };
    !message.fetched && over && idle_after(before) && idle_after(beat)
}

/// After the connection to an agent was held as long as it may be, its outcome is on record within this.
const LAST_WORDS: Duration = Duration::from_secs(60);

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
