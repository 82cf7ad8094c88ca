//! Faults of DynamoDB and SQS by seed, and how many there were.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tests::{Fault, World};

/// By seed, how many requests of a hundred fail.
const SHARES: [f64; 5] = [0.0, 0.01, 0.04, 0.1, 0.25];

/// How many faults of each kind were injected.
#[derive(Debug, Clone, Default)]
pub(crate) struct Count(Arc<Mutex<BTreeMap<String, usize>>>);

impl Count {
    pub(crate) fn add(&self, kind: &str) {
        *self.0.lock().unwrap().entry(kind.to_owned()).or_default() += 1;
    }

    pub(crate) fn text(&self) -> String {
        let counts = self.0.lock().unwrap();
        counts.iter().map(|(kind, count)| format!("{count} {kind}")).collect::<Vec<_>>().join(", ")
    }
}

/// Lets requests fail at random until the world is healed.
pub(crate) fn inject(world: &World, seed: u64, count: &Count) {
    let share = SHARES[usize::try_from(seed % SHARES.len() as u64).unwrap()];
    let mut rng = StdRng::seed_from_u64(seed ^ 0xfa17);
    let count = count.clone();
    world.gate.inject(move |_, _| {
        if !rng.random_bool(share) {
            return None;
        }
        let fault = [Fault::Timeout, Fault::Throttle, Fault::ServerError, Fault::LostAnswer][rng.random_range(0..4)];
        count.add(&format!("{fault:?}"));
        Some(fault)
    });
}
