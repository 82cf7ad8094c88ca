//! One call of the Engine's API: over which connection, for how long at most, and what its failure means.

use std::error::Error as _;
use std::time::Duration;

use bollard::Docker;
use bollard::errors::Error;

use super::{DockerEngine, EngineError};

/// Longest text of the Engine that is passed on, in bytes.
const MAX_MESSAGE: usize = 500;

/// Why a call failed.
#[derive(Debug)]
pub(super) enum CallError {
    /// The Engine answered that there is no such thing.
    NotFound(String),
    /// It answered that something else is in the way.
    Conflict(String),
    /// It answered something else.
    Refused(String),
    /// No answer came, or not in time.
    Unreachable(String),
}

impl DockerEngine {
    /// A client. Each is made anew: none outlives an Engine that was restarted, and one socket has no pool to lose.
    pub(super) fn client(&self) -> Result<Docker, CallError> {
        let client = match &self.settings.host {
            Some(host) => Docker::connect_with_host(host),
            None => Docker::connect_with_defaults(),
        };
        // Its own limit ends with the answer's first byte, in whole seconds; ours are in `look` and `change`.
        Ok(client?.with_timeout(Duration::from_secs(24 * 3600)))
    }

    /// A call that changes nothing.
    pub(super) async fn look<T>(&self, call: impl Future<Output = Result<T, Error>>) -> Result<T, CallError> {
        within(self.settings.look_timeout, call).await
    }

    /// A call that changes something.
    pub(super) async fn change<T>(&self, call: impl Future<Output = Result<T, Error>>) -> Result<T, CallError> {
        within(self.settings.change_timeout, call).await
    }
}

/// A call that may take so long.
pub(super) async fn within<T>(bound: Duration, call: impl Future<Output = Result<T, Error>>) -> Result<T, CallError> {
    match tokio::time::timeout(bound, call).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(CallError::Unreachable(format!("no answer within {} s", bound.as_secs_f64()))),
    }
}

/// What is absent is none.
pub(super) fn found<T>(answer: Result<T, CallError>) -> Result<Option<T>, CallError> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(CallError::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

impl From<Error> for CallError {
    fn from(error: Error) -> Self {
        match error {
            Error::DockerResponseServerError { status_code, message } => {
                let message = line(&message);
                match status_code {
                    404 => Self::NotFound(message),
                    409 => Self::Conflict(message),
                    _ => Self::Refused(message),
                }
            }
            Error::DockerStreamError { error } => Self::Refused(line(&error)),
            error => Self::Unreachable(with_causes(&error)),
        }
    }
}

impl From<CallError> for EngineError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::NotFound(text) | CallError::Conflict(text) | CallError::Refused(text) => Self::Refused(text),
            CallError::Unreachable(text) => Self::Unreachable(text),
        }
    }
}

/// A text of the Engine as one line, shortened and without what looks like a secret.
pub(super) fn line(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    rules::memory::redacted(&rules::field::capped(&words, MAX_MESSAGE))
}

/// The first alone says only "client error".
fn with_causes(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    line(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_of_the_engine_says_that_something_is_absent() {
        let answer = |status_code| {
            let message = "No such\n container: x".to_owned();
            CallError::from(Error::DockerResponseServerError { status_code, message })
        };
        assert!(matches!(answer(404), CallError::NotFound(text) if text == "No such container: x"));
        assert!(matches!(answer(409), CallError::Conflict(_)));
        assert!(matches!(answer(500), CallError::Refused(_)));
        assert!(matches!(CallError::from(Error::RequestTimeoutError), CallError::Unreachable(_)));
        let gone = Error::SocketNotFoundError("/run/none.sock".to_owned());
        assert!(matches!(CallError::from(gone), CallError::Unreachable(text) if text.contains("/run/none.sock")));
    }
}
