//! AES-256-GCM over one key of data: nonce, ciphertext and tag, as base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce as RingNonce, UnboundKey};
use zeroize::{Zeroize, Zeroizing};

use super::{Nonce, Place, Plaintext, SealError};

/// The length of a key, in bytes.
pub(super) const KEY_BYTES: usize = 32;

/// A key that is ready for use.
pub(super) struct Cipher(LessSafeKey);

impl Cipher {
    /// The key of these bytes.
    pub(super) fn new(key: &[u8; KEY_BYTES]) -> Self {
        // The one error is a key of another length.
        #[expect(clippy::expect_used, reason = "the length is in the type")]
        let key = UnboundKey::new(&AES_256_GCM, key).expect("32 bytes are a key of AES-256");
        Self(LessSafeKey::new(key))
    }

    /// Seals a value for a place.
    pub(super) fn seal(&self, place: &Place, value: &str, nonce: Nonce) -> Result<String, SealError> {
        let mut sealed = value.as_bytes().to_vec();
        sealed.reserve_exact(AES_256_GCM.tag_len());
        let nonce_bytes = RingNonce::assume_unique_for_key(nonce);
        if self.0.seal_in_place_append_tag(nonce_bytes, Aad::from(place.bytes()), &mut sealed).is_err() {
            sealed.zeroize();
            return Err(SealError::Unreadable);
        }
        Ok(STANDARD_NO_PAD.encode([nonce.as_slice(), &sealed].concat()))
    }

    /// Opens what was sealed for a place.
    pub(super) fn open(&self, place: &Place, sealed: &str) -> Result<Plaintext, SealError> {
        let bytes = Zeroizing::new(STANDARD_NO_PAD.decode(sealed).map_err(|_| SealError::Unreadable)?);
        let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN).ok_or(SealError::Unreadable)?;
        let nonce = RingNonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::Unreadable)?;
        let mut sealed = Zeroizing::new(sealed.to_vec());
        let opened = self.0.open_in_place(nonce, Aad::from(place.bytes()), &mut sealed);
        let opened = opened.map_err(|_| SealError::Unreadable)?;
        let text = std::str::from_utf8(opened).map_err(|_| SealError::Unreadable)?;
        Ok(Plaintext::new(text.to_owned()))
    }
}
