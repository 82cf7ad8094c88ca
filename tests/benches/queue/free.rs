//! How soon a message that waited for a busy agent gets to it once the agent reports that it is free.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::{Hub, agent, at};

pub(crate) async fn run(hub: &Arc<Hub>, rounds: usize) {
    let (url, calls) = agent::start().await;
    let target = hub.workspace("busy", &url).await;
    let mut took = Vec::with_capacity(rounds);
    for round in 0..rounds {
        hub.beat(&target, 1).await;
        let (status, answer) = hub.send(&target, &format!("m{round}"), &[("x-timeout", "1")]).await;
        assert_eq!(status, 202, "{answer}");
        let free = Instant::now();
        hub.beat(&target, 0).await;
        let end = free + Duration::from_secs(60);
        let got = loop {
            match calls.all().get(round) {
                Some(at) => break *at,
                None => assert!(Instant::now() < end, "the message never came"),
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        };
        // The next report must be one of after the end of this delivery.
        let place = format!("/workspaces/{}/a2a/queue/{}", target.id, answer["queue_id"].as_str().unwrap());
        while hub.call("GET", &place, &hub.admin, &serde_json::Value::Null).await.1["status"] != "completed" {
            assert!(Instant::now() < end, "the message never ended");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        took.push(got.duration_since(free).as_secs_f64() * 1000.0);
    }
    took.sort_by(f64::total_cmp);
    println!(
        "busy to free, {rounds} rounds: the waiting message is with the agent after p50 {:.1} ms, p99 {:.1} ms, at most {:.1} ms",
        at(&took, 0.5),
        at(&took, 0.99),
        at(&took, 1.0)
    );
}
