//! Failures of the datastore. The SDK's words stay in the log.

use aws_sdk_dynamodb::error::{BuildError, DisplayErrorContext, SdkError};

use super::Item;

/// The datastore did not do what was asked, and nothing is known to have changed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It did not answer, or refused for reasons of its own.
    #[error("dynamodb: {0}")]
    Unavailable(String),
    /// It has no capacity right now.
    #[error("dynamodb: throttled")]
    Throttled,
    /// A stored item cannot be read.
    #[error("stored item: {0}")]
    Corrupt(String),
}

impl<E, R> From<SdkError<E, R>> for StoreError
where
    E: std::error::Error + 'static,
    R: std::fmt::Debug + 'static,
{
    fn from(error: SdkError<E, R>) -> Self {
        Self::Unavailable(DisplayErrorContext(error).to_string())
    }
}

impl From<BuildError> for StoreError {
    fn from(error: BuildError) -> Self {
        Self::Corrupt(error.to_string())
    }
}

impl From<serde_dynamo::Error> for StoreError {
    fn from(error: serde_dynamo::Error) -> Self {
        Self::Corrupt(error.to_string())
    }
}

/// Why a transaction was not written.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// What it was decided from has moved: read again and decide again. By write, the old item where it was asked for.
    #[error("the state moved")]
    Moved(Vec<Failed>),
    /// The datastore failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One write of a transaction whose condition did not hold.
#[derive(Debug, Clone)]
pub struct Failed {
    /// Its place in the transaction.
    pub index: usize,
    /// The item as it was.
    pub old: Option<Item>,
}
