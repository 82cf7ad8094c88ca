//! A key of our own: `SECRETS_ENCRYPTION_KEY`, or the local run's file.

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use futures::future::{BoxFuture, FutureExt, ready};
use zeroize::Zeroizing;

use super::cipher::{Cipher, KEY_BYTES};
use super::{Nonce, Place, Plaintext, SealError, Sealer};

/// The version of the stored form.
const FORM: &str = "local1:";

/// Seals under one key that it holds.
pub struct LocalSealer(Cipher);

impl LocalSealer {
    /// With this key.
    pub fn new(key: &[u8; KEY_BYTES]) -> Self {
        Self(Cipher::new(key))
    }
}

impl std::fmt::Debug for LocalSealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LocalSealer")
    }
}

impl Sealer for LocalSealer {
    fn seal<'a>(&'a self, place: &'a Place, value: &'a str, nonce: Nonce) -> BoxFuture<'a, Result<String, SealError>> {
        ready(self.0.seal(place, value, nonce).map(|sealed| format!("{FORM}{sealed}"))).boxed()
    }

    fn open<'a>(&'a self, place: &'a Place, sealed: &'a str) -> BoxFuture<'a, Result<Plaintext, SealError>> {
        let sealed = sealed.strip_prefix(FORM).ok_or(SealError::Unreadable);
        ready(sealed.and_then(|sealed| self.0.open(place, sealed))).boxed()
    }
}

/// A key of 32 bytes, raw or as base64 of either alphabet, padded or not.
pub fn parse_key(text: &str) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let raw = <[u8; KEY_BYTES]>::try_from(text.as_bytes()).ok();
    let decoded = || {
        [&STANDARD, &URL_SAFE].iter().find_map(|alphabet| {
            let bytes = Zeroizing::new(GeneralPurpose::new(alphabet, config).decode(text).ok()?);
            <[u8; KEY_BYTES]>::try_from(bytes.as_slice()).ok()
        })
    };
    raw.or_else(decoded).map(Zeroizing::new)
}
