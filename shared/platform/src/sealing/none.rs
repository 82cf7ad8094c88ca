//! No key at all.

use futures::future::{BoxFuture, FutureExt, ready};

use super::{Nonce, Place, Plaintext, SealError, Sealer};

/// Seals nothing and opens nothing.
#[derive(Debug, Clone, Copy)]
pub struct NoSealer;

impl Sealer for NoSealer {
    fn seal<'a>(&'a self, _: &'a Place, _: &'a str, _: Nonce) -> BoxFuture<'a, Result<String, SealError>> {
        ready(Err(SealError::NotConfigured)).boxed()
    }

    fn open<'a>(&'a self, _: &'a Place, _: &'a str) -> BoxFuture<'a, Result<Plaintext, SealError>> {
        ready(Err(SealError::Unreadable)).boxed()
    }

    fn ready(&self) -> Result<(), SealError> {
        Err(SealError::NotConfigured)
    }
}
