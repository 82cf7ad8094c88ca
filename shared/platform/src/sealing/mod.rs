//! Sealing: secrets are stored encrypted, each with AES-256-GCM under a random nonce. What a value belongs to (scope,
//! owner, key) is authenticated with it, so a stored value that is moved to another row does not open there.
//!
//! The key comes from a [`Sealer`]: [`LocalSealer`] holds one of its own, `KmsSealer` (feature `kms`) has AWS KMS
//! wrap keys of data. Without either, [`NoSealer`] refuses to store anything: nothing is ever stored in clear.

mod cipher;
#[cfg(feature = "kms")]
mod kms;
mod local;
mod none;
mod place;
mod plaintext;
#[cfg(test)]
mod tests;

use std::fmt::Debug;
use std::sync::Arc;

use futures::future::BoxFuture;

use crate::config::{Config, Secret};

#[cfg(feature = "kms")]
pub use kms::KmsSealer;
pub use local::{LocalSealer, parse_key};
pub use none::NoSealer;
pub use place::Place;
pub use plaintext::Plaintext;

/// A nonce of AES-GCM: random, one per sealing.
pub type Nonce = [u8; 12];

/// Seals values for where they are stored, and opens them there.
pub trait Sealer: Debug + Send + Sync {
    /// The stored form of a value at a place: text that begins with the form's version.
    ///
    /// # Errors
    /// There is no key, or what keeps it does not answer.
    fn seal<'a>(&'a self, place: &'a Place, value: &'a str, nonce: Nonce) -> BoxFuture<'a, Result<String, SealError>>;

    /// The value of what is stored at a place.
    ///
    /// # Errors
    /// It was not sealed for this place under this key, or what keeps the key does not answer.
    fn open<'a>(&'a self, place: &'a Place, sealed: &'a str) -> BoxFuture<'a, Result<Plaintext, SealError>>;

    /// Whether it has a key, so that a secret can be refused before anything else is done.
    ///
    /// # Errors
    /// [`SealError::NotConfigured`].
    fn ready(&self) -> Result<(), SealError> {
        Ok(())
    }
}

/// Why a value is not sealed or opened. Never with a key or a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// No key is configured.
    #[error(
        "no key to encrypt secrets with: set SECRETS_ENCRYPTION_KEY (32 bytes, raw or base64), or on AWS SECRETS_KMS_KEY_ID"
    )]
    NotConfigured,
    /// The stored form is not one that this key opens at this place.
    #[error("the stored value does not open with this key")]
    Unreadable,
    /// What keeps the key does not answer; it may later.
    #[error("the key service does not answer: {0}")]
    Unavailable(String),
}

/// The sealer of a Lambda function: KMS where it is set and the function was built for it, else as [`from_config`].
pub fn from_environment(config: &Config, sdk: &aws_config::SdkConfig) -> Arc<dyn Sealer> {
    #[cfg(feature = "kms")]
    if let Some(key) = &config.secrets_kms_key_id {
        return Arc::new(KmsSealer::new(aws_sdk_kms::Client::new(sdk), key.clone()));
    }
    // Functions without it neither store nor open secrets.
    let _ = sdk;
    from_config(config)
}

/// The sealer of these settings: the local key, or none.
pub fn from_config(config: &Config) -> Arc<dyn Sealer> {
    match config.secrets_encryption_key.as_ref().and_then(|Secret(text)| parse_key(text)) {
        Some(key) => Arc::new(LocalSealer::new(&key)),
        None => Arc::new(NoSealer),
    }
}
