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
    /// The last millisecond of an ordered id, and the last number within it.
    last: Mutex<(i64, u16)>,
}

impl Entropy {
    /// From the operating system.
    pub fn system() -> Self {
        Self::over(StdRng::from_os_rng())
    }

    /// The same sequence for the same seed.
    pub fn seeded(seed: u64) -> Self {
        Self::over(StdRng::seed_from_u64(seed))
    }

    fn over(rng: StdRng) -> Self {
        Self { rng: Mutex::new(rng), last: Mutex::new((0, 0)) }
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

    /// A UUID that sorts by time, and within one millisecond of one process by the order of asking.
    pub fn ordered_uuid(&self, now: Timestamp) -> Uuid {
        let mut bytes = [0; 10];
        self.fill(&mut bytes);
        let number = {
            let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            // A new millisecond starts in the lower half of the 12 bits, so that many more fit behind it.
            let start = u16::from_be_bytes([bytes[0], bytes[1]]) & 0x07ff;
            let number = if last.0 == now.millis() { (last.1 + 1).min(0x0fff) } else { start };
            *last = (now.millis(), number);
            number
        };
        bytes[..2].copy_from_slice(&number.to_be_bytes());
        uuid::Builder::from_unix_timestamp_millis(u64::try_from(now.millis()).unwrap_or(0), &bytes).into_uuid()
    }

    /// A nonce of AES-GCM, one per sealing.
    pub fn nonce(&self) -> [u8; 12] {
        let mut bytes = [0; 12];
        self.fill(&mut bytes);
        bytes
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordered_ids_sort_by_time_and_by_the_order_of_asking() {
        let entropy = Entropy::seeded(1);
        let ids: Vec<Uuid> =
            (0..3000).map(|n| entropy.ordered_uuid(Timestamp::from_millis(1_700_000_000_000 + n / 1000))).collect();
        assert!(ids.is_sorted() && ids.windows(2).all(|pair| pair[0] != pair[1]));
        assert_eq!(ids[0].get_version_num(), 7);
    }
}
