//! From a send to the agent's answer, through the queue.

use std::sync::Arc;
use std::time::Instant;

use crate::{Hub, agent, at};

/// `senders` at once, each to an agent of its own, each `messages` times one after the other.
pub(crate) async fn run(hub: &Arc<Hub>, senders: usize, messages: usize) {
    let (url, _) = agent::start().await;
    let mut tasks = tokio::task::JoinSet::new();
    for sender in 0..senders {
        let target = hub.workspace(&format!("target-{senders}-{sender}"), &url).await;
        let hub = Arc::clone(hub);
        tasks.spawn(async move {
            let mut took = Vec::with_capacity(messages);
            for number in 0..messages {
                let begin = Instant::now();
                let (status, answer) = hub.send(&target, &format!("m{number}"), &[]).await;
                assert_eq!(status, 200, "{answer}");
                took.push(begin.elapsed().as_secs_f64() * 1000.0);
            }
            took
        });
    }
    let begin = Instant::now();
    let mut all: Vec<f64> = Vec::new();
    while let Some(took) = tasks.join_next().await {
        all.extend(took.unwrap());
    }
    let rate = all.len() as f64 / begin.elapsed().as_secs_f64();
    all.sort_by(f64::total_cmp);
    println!(
        "accept to answer, {senders:>2} senders, {:>5} messages: p50 {:>6.1} ms, p99 {:>6.1} ms, {rate:>5.0} a second",
        all.len(),
        at(&all, 0.5),
        at(&all, 0.99)
    );
}
