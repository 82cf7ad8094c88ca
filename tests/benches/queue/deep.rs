//! Many messages for one workspace, queued while it is busy, then drained one after the other.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::{Hub, agent};

const SENDERS: usize = 16;

pub(crate) async fn run(hub: &Arc<Hub>, messages: usize) {
    let (url, calls) = agent::start().await;
    let target = hub.workspace("deep", &url).await;
    hub.beat(&target, 1).await;
    // They do not wait for an answer that cannot come.
    let offline = hub.workspace("filler", &url).await;
    drop(offline);
    let before = memory();
    let begin = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for sender in 0..SENDERS {
        let (hub, target) = (Arc::clone(hub), target.clone());
        tasks.spawn(async move {
            let mut took = Vec::new();
            for number in (sender..messages).step_by(SENDERS) {
                let begin = Instant::now();
                // Without its own time to wait: everything is queued at once.
                let (status, answer) = hub.send(&target, &format!("d{number}"), &[("prefer", "respond-async")]).await;
                assert_eq!(status, 202, "{answer}");
                took.push(begin.elapsed());
            }
            took
        });
    }
    while let Some(took) = tasks.join_next().await {
        took.unwrap();
    }
    let queued = begin.elapsed().as_secs_f64();
    let full = memory();
    println!("{messages} messages to one workspace: queued at {:.0} a second", messages as f64 / queued);
    let begin = Instant::now();
    hub.beat(&target, 0).await;
    let end = begin + Duration::from_secs(1200);
    let mut last = (begin, 0);
    let step = (messages / 10).max(1);
    for part in 1..=messages / step {
        while calls.all().len() < part * step {
            assert!(Instant::now() < end, "the drain stands still at {}", calls.all().len());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let now = Instant::now();
        let rate = (part * step - last.1) as f64 / now.duration_since(last.0).as_secs_f64();
        println!("  drained {:>6}: {rate:>5.0} a second", part * step);
        last = (now, part * step);
    }
    println!(
        "  all: {:.0} a second; memory of the process: {before} MiB before, {full} MiB full, {} MiB after",
        messages as f64 / begin.elapsed().as_secs_f64(),
        memory()
    );
}

/// Resident memory in MiB.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}
