//! Races: two callers' AWS requests interleaved by a seed, for many seeds, and every invariant checked after each.
//!
//! `RACE_SEEDS=n` sets how many seeds each race runs; `RACE_SEED=n` runs one, as a failure asks for.

mod credentials;
mod delete;
mod leases;
mod queue;
mod tree;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use serde_json::{Value, json};
use tests::{ADMIN, Answer, World};

/// Seeds per race.
const SEEDS: u64 = 250;
/// Where no agent listens.
const URL: &str = "http://127.0.0.1:9/";

type Racer<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

fn racer<'a, T>(future: impl Future<Output = T> + 'a) -> Racer<'a, T> {
    Box::pin(future)
}

/// Names the seed when its race fails.
struct Replay(u64);

impl Drop for Replay {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let thread = std::thread::current();
            let test = thread.name().unwrap_or_default();
            eprintln!("replay: RACE_SEED={} cargo test -p tests --test in_process -- --exact {test}", self.0);
        }
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap())
}

/// Runs a race for every seed in one world whose time moves on a little in between.
async fn each_seed(race: impl AsyncFn(&World, u64)) {
    let world = World::new().await;
    let seeds = match number("RACE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("RACE_SEEDS").unwrap_or(SEEDS),
    };
    for seed in seeds {
        let replay = Replay(seed);
        race(&world, seed).await;
        world.advance(Duration::from_millis(10));
        drop(replay);
    }
}

/// Both answers, in the order of the racers.
async fn two<'a>(
    world: &World,
    seed: u64,
    one: impl Future<Output = Answer> + 'a,
    other: impl Future<Output = Answer> + 'a,
) -> [Answer; 2] {
    world.gate.race(seed, vec![racer(one), racer(other)]).await.try_into().unwrap()
}

async fn delete(world: &World, id: &str) -> Answer {
    world.call("DELETE", &format!("/workspaces/{id}?confirm=true"), Some(ADMIN), &Value::Null).await
}

fn message(id: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": "message/send",
        "params": { "message": { "role": "user", "messageId": id, "parts": [{ "kind": "text", "text": id }] } } })
}

async fn send(world: &World, id: &str, message_id: &str) -> Answer {
    world.call("POST", &format!("/workspaces/{id}/a2a"), Some(ADMIN), &message(message_id)).await
}

/// Its status is one of those that this race allows.
#[track_caller]
fn one_of(answer: &Answer, allowed: &[u16]) {
    assert!(allowed.contains(&answer.status), "{} is none of {allowed:?}: {}", answer.status, answer.body);
}
