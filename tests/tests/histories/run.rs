//! Plays many seeds and judges each.

use tests::World;

use crate::checker::check;
use crate::faults::Count;
use crate::scenario::play;

/// Seeds unless told otherwise.
const SEEDS: u64 = 200;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap())
}

/// Names the seed when something stops its play.
struct Replay(u64);

impl Drop for Replay {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("replay: HISTORY_SEED={} cargo test -p tests --test histories is_sound", self.0);
        }
    }
}

/// Two halves, for two cores.
#[tokio::test]
async fn every_even_history_is_sound() {
    judge(0).await;
}

#[tokio::test]
async fn every_odd_history_is_sound() {
    judge(1).await;
}

async fn judge(half: u64) {
    let mut seeds: Vec<u64> = match number("HISTORY_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("HISTORY_SEEDS").unwrap_or(SEEDS)).collect(),
    };
    seeds.retain(|seed| seed % 2 == half);
    let count = Count::default();
    let (mut messages, mut deliveries) = (0, 0);
    for seed in &seeds {
        let replay = Replay(*seed);
        // A world of its own, so that a replay finds the same; with short turns, so that lost ones are soon over.
        let world = World::with(&[("MAX_TURN_SECONDS", "300"), ("TURN_GRACE_SECONDS", "10")]).await;
        let outcome = play(&world, *seed, &count).await;
        let wrong = check(&outcome.history, &outcome.ends, &outcome.promises);
        let lines = outcome.history.iter().map(|seen| format!("{} {:?}", seen.at.rfc3339(), seen.event));
        let ends = outcome.ends.iter().map(|end| format!("{end:?}"));
        let told = lines.chain(ends).collect::<Vec<_>>().join("\n");
        assert!(wrong.is_empty(), "seed {seed}: {wrong:#?}\n{told}");
        assert_eq!(outcome.still_open, 0, "seed {seed}: with willing agents all comes to its end:\n{told}");
        messages += outcome.ends.len();
        deliveries += outcome.deliveries;
        drop(replay);
    }
    println!("{} seeds, {messages} messages, {deliveries} deliveries; faults: {}", seeds.len(), count.text());
}
