//! The one source of ids and secrets. Seeded in tests, so that a run can be replayed.

use std::sync::Mutex;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};
use rules::Timestamp;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Makes ids and secrets.
#[derive(Debug)]
pub struct Entropy {
    rng: Mutex<StdRng>,
}

impl Entropy {
    /// From the operating system.
    pub fn system() -> Self {
        Self { rng: Mutex::new(StdRng::from_os_rng()) }
    }

    /// The same sequence for the same seed.
    pub fn seeded(seed: u64) -> Self {
        Self { rng: Mutex::new(StdRng::seed_from_u64(seed)) }
    }

    fn fill(&self, bytes: &mut [u8]) {
        self.rng.lock().unwrap_or_else(std::sync::PoisonError::into_inner).fill_bytes(bytes);
    }

    /// A random UUID.
    pub fn uuid(&self) -> Uuid {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }

    /// A UUID that sorts by time.
    pub fn ordered_uuid(&self, now: Timestamp) -> Uuid {
        let mut bytes = [0; 10];
        self.fill(&mut bytes);
        uuid::Builder::from_unix_timestamp_millis(u64::try_from(now.millis()).unwrap_or(0), &bytes).into_uuid()
    }

    /// A secret of 256 bits, base64url without padding: 43 characters.
    pub fn secret(&self) -> String {
        let mut bytes = [0; 32];
        self.fill(&mut bytes);
        URL_SAFE_NO_PAD.encode(bytes)
    }
}

/// The stored form of a secret: SHA-256, base64url without padding.
pub fn digest(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(secret.as_bytes()))
}

/// The digest of a body, in the same form.
pub fn digest_bytes(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(bytes))
}
