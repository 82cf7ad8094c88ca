//! The event bus: every workspace event, for whoever hooks rules of their own.

#[cfg(feature = "eventbridge")]
mod eventbridge;

use std::fmt::Debug;

use futures::future::BoxFuture;
use rules::published::Published;

#[cfg(feature = "eventbridge")]
pub use eventbridge::EventBridge;

/// Takes events.
pub trait Bus: Debug + Send + Sync {
    /// Puts events, as many as one request carries; see [`rules::published::batches`]. For each, whether it was taken.
    ///
    /// # Errors
    /// The bus does not answer: all are to be put again.
    fn put<'a>(&'a self, events: &'a [Published]) -> BoxFuture<'a, Result<Vec<bool>, BusError>>;
}

/// The bus did not take events.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the event bus does not answer: {0}")]
pub struct BusError(pub String);

/// No bus: of functions that publish nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoBus;

impl Bus for NoBus {
    fn put<'a>(&'a self, _: &'a [Published]) -> BoxFuture<'a, Result<Vec<bool>, BusError>> {
        Box::pin(async { Err(BusError("none is set; set EVENT_BUS_NAME".to_owned())) })
    }
}
