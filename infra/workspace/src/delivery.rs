//! Answers that are handed over later: the platform got 202, or its connection broke, and the result is posted to the
//! message's record when the turn ends.
//!
//! Each request that was not answered on its own connection gets a post of its own, with its own slot epoch: the
//! platform ignores results of an epoch that is over, so the newest must be among them.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::http::HeaderMap;
use reqwest::StatusCode;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::time::sleep;
use tracing::{info, warn};

use crate::{
    activity::Task, backoff::Backoff, outcome::Outcome, platform::CallError, rpc::Call, state::State, turns::Turn,
};

/// How long the platform is tried for one result.
const GIVE_UP_AFTER: Duration = Duration::from_secs(600);
const LONGEST_QUEUE_ID: usize = 64;

/// Where a result can be posted, by the request's headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyTo {
    /// The message's record.
    pub queue_id: String,
    /// The delivery that the request was.
    pub slot_epoch: i64,
    /// It was fetched: its answer is an `ack`.
    pub fetched: bool,
}

impl ReplyTo {
    /// The place that the headers name, if they name one.
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let header = |name: &str| headers.get(name)?.to_str().ok();
        let queue_id = header("x-molecule-queue-id")?;
        // It becomes part of a path.
        let harmless = queue_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if queue_id.is_empty() || queue_id.len() > LONGEST_QUEUE_ID || !harmless {
            return None;
        }
        let slot_epoch = header("x-molecule-slot-epoch")?.trim().parse().ok()?;
        Some(Self { queue_id: queue_id.to_owned(), slot_epoch, fetched: false })
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum Body<'a> {
    Result { slot_epoch: i64, status: u16, body: &'a RawValue },
    Ack { slot_epoch: i64, status: &'static str, response: &'a RawValue },
}

impl<'a> Body<'a> {
    fn of(to: &ReplyTo, response: &'a RawValue) -> Self {
        let slot_epoch = to.slot_epoch;
        match to.fetched {
            false => Self::Result { slot_epoch, status: 200, body: response },
            true => Self::Ack { slot_epoch, status: "completed", response },
        }
    }
}

/// An answer that is owed. Dropped without having been given (the turn takes too long, or the caller hung up), it is
/// posted when the turn ends, if the caller said where to.
#[derive(Debug)]
pub struct Owed {
    debt: Option<Debt>,
}

/// An answer that is to be posted.
#[derive(Debug)]
pub struct Debt {
    state: Arc<State>,
    call: Call,
    turn: Turn,
    to: ReplyTo,
    /// Keeps the task in hand until the answer is handed over.
    _task: Option<Arc<Task>>,
}

impl Owed {
    /// An answer to `call`, to be given when `turn` ends.
    pub fn new(state: Arc<State>, call: Call, turn: Turn, to: Option<ReplyTo>) -> Result<Self, Box<Call>> {
        match to {
            Some(to) => {
                let task = turn.task();
                Ok(Self { debt: Some(Debt { state, call, turn, to, _task: task }) })
            }
            None => Err(Box::new(call)),
        }
    }

    /// The answer, now to be given on the request's own connection.
    pub fn settle(mut self, outcome: &Outcome) -> Option<Box<RawValue>> {
        self.debt.take().map(|debt| debt.call.response(outcome))
    }
}

impl Drop for Owed {
    fn drop(&mut self) {
        if let Some(debt) = self.debt.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(debt.pay());
        }
    }
}

impl Debt {
    /// The answer to a call that was fetched.
    pub fn of(state: Arc<State>, call: Call, turn: Turn, to: ReplyTo) -> Self {
        let task = turn.task();
        Self { state, call, turn, to, _task: task }
    }

    /// Posts the answer when the turn ends, again and again until it is taken or refused.
    pub async fn pay(self) {
        let outcome = self.turn.outcome().await;
        let response = self.call.response(&outcome);
        post(&self.state, &self.to, &response).await;
    }
}

/// Posts a response until it is taken or refused.
pub async fn post(state: &State, to: &ReplyTo, response: &RawValue) {
    let body = Body::of(to, response);
    let queue_id = &to.queue_id;
    let begun = Instant::now();
    let mut backoff = Backoff::default();
    while !state.is_replaced() {
        let failure = match try_once(state, to, &body).await {
            Ok(()) => return info!(queue_id, "the result was handed over"),
            Err(failure) => failure,
        };
        let pause = backoff.next(failure.retry_after());
        if !may_pass(&failure) {
            return warn!(queue_id, "the platform does not want the result, so it is dropped: {failure}");
        }
        if begun.elapsed() + pause > GIVE_UP_AFTER {
            return warn!(queue_id, "the result could not be handed over in 10 minutes and is dropped: {failure}");
        }
        warn!(queue_id, "the result could not be handed over, next try in {:.1} s: {failure}", pause.as_secs_f64());
        sleep(pause).await;
    }
}

async fn try_once(state: &State, to: &ReplyTo, body: &Body<'_>) -> Result<(), CallError> {
    let token = state.credentials.current();
    let (workspace, queue_id) = (state.options.workspace, &to.queue_id);
    let sent = match to.fetched {
        false => state.platform.result(token.as_ref(), workspace, queue_id, body).await,
        true => state.platform.settle(token.as_ref(), workspace, queue_id, "ack", body).await,
    };
    if let Err(refusal) = &sent
        && refusal.status() == Some(StatusCode::UNAUTHORIZED)
        && !state.credentials.refresh(token.as_ref())
    {
        state.registration.want();
    }
    sent
}

/// Whether trying again may help.
fn may_pass(failure: &CallError) -> bool {
    match failure.status() {
        None => true,
        Some(status) => {
            status.is_server_error()
                || matches!(
                    status,
                    StatusCode::UNAUTHORIZED | StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS
                )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply_to(queue_id: &str, slot_epoch: &str) -> Option<ReplyTo> {
        let mut headers = HeaderMap::new();
        headers.insert("x-molecule-queue-id", queue_id.parse().unwrap());
        headers.insert("x-molecule-slot-epoch", slot_epoch.parse().unwrap());
        ReplyTo::from_headers(&headers)
    }

    #[test]
    fn a_queue_id_that_would_bend_the_path_is_no_place() {
        assert_eq!(
            reply_to("abc-1", "7"),
            Some(ReplyTo { queue_id: "abc-1".to_owned(), slot_epoch: 7, fetched: false })
        );
        for bad in ["../x", "a/b", "", "a?b"] {
            assert_eq!(reply_to(bad, "7"), None, "{bad}");
        }
        assert_eq!(reply_to("abc", "seven"), None);
    }
}
