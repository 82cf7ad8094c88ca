//! Histories of the platform as a process, which `kill -9` ends in the middle of its work, with agents that outlive it,
//! agents that do not, and senders that ask again until they are answered.

mod agent;
mod senders;

use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use tests::Agent;
use tests::process::{Client, Home, Platform, Runtime};

use self::agent::Worker;
use self::senders::Senders;
use crate::checker::check;
use crate::faults::Count;
use crate::history::{End, Event, Promise, Recorder, Sent};

/// Runs unless told otherwise.
const RUNS: u64 = 10;
/// Most of a run is waiting, for the sweep of the minute above all.
const AT_ONCE: usize = 5;
/// Kills in each run.
const KILLS: usize = 2;
/// The ceiling of a turn, its grace included, in seconds.
pub(crate) const TURN: u64 = 10;
/// Within this, willing agents are done with all that is open: two leases' time, and the sweep's minute.
const SETTLED: Duration = Duration::from_secs(90);

#[tokio::test]
async fn histories_with_kill_9_are_sound() {
    let runs = std::env::var("KILL_RUNS").ok().map_or(RUNS, |text| text.parse().unwrap());
    let only = std::env::var("KILL_SEED").ok().map(|text| text.parse::<u64>().unwrap());
    let count = Count::default();
    let seeds = only.map_or(0..runs, |seed| seed..seed + 1);
    stream::iter(seeds).for_each_concurrent(AT_ONCE, |seed| run(seed, &count)).await;
    println!("{}", count.text());
}

async fn run(seed: u64, count: &Count) {
    let home = Home::lasting(&[
        ("A2A_SYNC_WAIT_SECONDS", "1"),
        ("MAX_TURN_SECONDS", "8"),
        ("TURN_GRACE_SECONDS", "2"),
        ("DISPATCH_HOLD_SECONDS", "3"),
        ("INBOX_LEASE_SECONDS", "4"),
        ("RUST_LOG", "warn,http=off"),
    ]);
    let mut rng = StdRng::seed_from_u64(seed);
    let recorder = Recorder::default();
    let mut platform = home.start().await;
    let parent = platform.external("parent").await;
    let mut workers = Vec::new();
    let mut promises = Vec::new();
    for (name, push) in [("first", true), ("second", true), ("fetching", false)] {
        let capacity = rng.random_range(1..=3_usize);
        let own = platform.external_below(name, Some(&parent.id)).await;
        let patch = json!({ "max_concurrent_tasks": capacity });
        platform.call("PATCH", &format!("/workspaces/{}", own.id), None, &patch).await.expect(200);
        promises.push(Promise { id: own.id.clone(), capacity, again: !push });
        workers.push(Worker::start(own, push, &recorder, platform.client(), rng.random(), count).await);
    }
    let runtime = platform.external_below("runtime", Some(&parent.id)).await;
    let log = tempfile::NamedTempFile::new().unwrap();
    let command = format!("text=$(cat); echo \"$text\" >> {}; sleep 0.05; echo done", log.path().display());
    let mut process = Runtime::start(&platform, &runtime, &command, &[]).await;
    let stranger = platform.external("stranger").await;
    let targets = workers.iter().map(|worker| worker.own.clone()).chain([runtime.clone()]).collect();
    let senders = Senders::start(&platform.client(), &recorder, targets, &stranger, seed, count);
    for _ in 0..KILLS {
        tokio::time::sleep(Duration::from_millis(rng.random_range(500..2500))).await;
        if rng.random_bool(0.5) {
            process.process.kill();
            process = Runtime::start(&platform, &runtime, &command, &[]).await;
            count.add("agents killed");
        }
        platform.process.kill();
        count.add("platforms killed");
        tokio::time::sleep(Duration::from_millis(rng.random_range(0..400))).await;
        platform = home.start().await;
    }
    tokio::time::sleep(Duration::from_millis(rng.random_range(500..1500))).await;
    let sent = senders.stop().await;
    for worker in &workers {
        worker.be_willing();
    }
    let ends = settled(&platform, &sent, seed).await;
    for worker in &workers {
        worker.stop();
    }
    let history = recorder.take();
    for seen in &history {
        match seen.event {
            Event::Delivered { .. } => count.add("deliveries seen"),
            Event::Send(_) => count.add("messages"),
            _ => {}
        }
    }
    let wrong = check(&history, &ends, &promises);
    let told: Vec<_> = history.iter().map(|seen| format!("{} {:?}", seen.at.rfc3339(), seen.event)).collect();
    assert!(
        wrong.is_empty(),
        "run {seed}: {wrong:#?}\nreplay something like it: KILL_SEED={seed} cargo test -p tests --test histories kill_9\n{}\n{ends:#?}",
        told.join("\n")
    );
    let ran = std::fs::read_to_string(log.path()).unwrap();
    for sent in sent.iter().filter(|sent| sent.to == runtime.id) {
        let end = ends.iter().find(|end| end.message_id == sent.message_id);
        if end.is_some_and(|end| end.state == "completed") {
            assert!(ran.lines().any(|line| line == sent.message_id), "{} was answered and never ran", sent.message_id);
        }
    }
}

/// Waits until nothing is open, and tells how everything ended.
async fn settled(platform: &Platform, sent: &[Sent], seed: u64) -> Vec<End> {
    let begun = Instant::now();
    loop {
        let (ends, open) = ends(platform, sent).await;
        if open.is_empty() {
            return ends;
        }
        assert!(begun.elapsed() < SETTLED, "run {seed}: still open after {SETTLED:?}: {open:#?}");
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// How everything is, and what of it is open, as the platform shows it.
async fn ends(platform: &Client, sent: &[Sent]) -> (Vec<End>, Vec<Value>) {
    let mut targets: Vec<_> = sent.iter().map(|sent| sent.to.as_str()).collect();
    targets.sort_unstable();
    targets.dedup();
    let (mut ends, mut open) = (Vec::new(), Vec::new());
    for target in targets {
        let mut next = format!("/workspaces/{target}/a2a/queue?limit=200");
        loop {
            let page = platform.call("GET", &next, None, &Value::Null).await.expect(200).body;
            for item in page["items"].as_array().unwrap() {
                let path = format!("/workspaces/{target}/a2a/queue/{}", item["queue_id"].as_str().unwrap());
                let shown = platform.call("GET", &path, None, &Value::Null).await.expect(200).body;
                ends.push(end(&shown));
                open.extend(Some(shown).filter(|shown| shown["open"] == true));
            }
            let Some(cursor) = page["next"].as_str() else { break };
            next = format!("/workspaces/{target}/a2a/queue?limit=200&cursor={cursor}");
        }
    }
    (ends, open)
}

fn end(shown: &Value) -> End {
    End {
        message_id: shown["message_id"].as_str().unwrap().to_owned(),
        open: shown["open"] == true,
        state: shown["status"].as_str().unwrap().to_owned(),
        reason: shown["reason"].as_str().map(str::to_owned),
        finished_at: shown["finished_at"].as_str().and_then(rules::Timestamp::parse_rfc3339),
        steps: shown["timeline"].as_array().map_or(0, Vec::len),
    }
}

/// A workspace that sends or receives.
pub(crate) type Own = Agent;
