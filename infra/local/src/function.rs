//! One function as Lambda runs it: an invocation has its own task and its own time, and its fall harms nobody else.

use std::time::Duration;

use platform::Platform;
use tokio::task::JoinHandle;

use crate::handler::{Invoke, Outcome};

/// A function that can be invoked.
#[derive(Clone)]
pub struct Function {
    /// The name of its binary.
    pub name: String,
    timeout: Duration,
    invoke: Invoke,
}

/// Why an invocation gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The event, or the answer, is not JSON of the right form.
    #[error("{0}")]
    Payload(String),
    /// The handler panicked, or the platform is stopping.
    #[error("the handler ended without an answer: {0}")]
    Ended(String),
    /// It ran for longer than the template allows, and was stopped.
    #[error("the handler was stopped after {} s, its Timeout in the template", .0.as_secs())]
    TimedOut(Duration),
}

impl Function {
    /// A function with the time that the template gives it.
    pub fn new(name: impl Into<String>, timeout: Duration, invoke: Invoke) -> Self {
        Self { name: name.into(), timeout, invoke }
    }

    /// Starts an invocation. It goes on when nobody waits for its end any more, as on Lambda: a client that hangs up
    /// does not leave a request half done.
    pub fn start(&self, platform: Platform, event: Vec<u8>) -> Invocation {
        Invocation { task: tokio::spawn((self.invoke)(platform, event, false)), timeout: self.timeout }
    }

    /// Runs an invocation to its end.
    ///
    /// # Errors
    /// It gave no answer.
    pub async fn call(&self, platform: Platform, event: Vec<u8>) -> Result<Vec<u8>, Failure> {
        Ok(self.start(platform, event).outcome().await?.into_json())
    }

    /// Runs an invocation until it has answered, or has begun an answer that streams.
    ///
    /// # Errors
    /// It gave no answer.
    pub async fn call_live(&self, platform: Platform, event: Vec<u8>) -> Result<Outcome, Failure> {
        Invocation { task: tokio::spawn((self.invoke)(platform, event, true)), timeout: self.timeout }.outcome().await
    }
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Function").field("name", &self.name).field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

/// An invocation under way.
#[derive(Debug)]
pub struct Invocation {
    task: JoinHandle<Result<Outcome, serde_json::Error>>,
    timeout: Duration,
}

impl Invocation {
    /// What it answers.
    ///
    /// # Errors
    /// It gave no answer.
    pub async fn outcome(mut self) -> Result<Outcome, Failure> {
        match tokio::time::timeout(self.timeout, &mut self.task).await {
            Ok(Ok(Ok(answer))) => Ok(answer),
            Ok(Ok(Err(error))) => Err(Failure::Payload(error.to_string())),
            Ok(Err(ended)) => Err(Failure::Ended(if ended.is_panic() { "panic".into() } else { ended.to_string() })),
            Err(_) => {
                self.task.abort();
                Err(Failure::TimedOut(self.timeout))
            }
        }
    }
}
