//! How a container ended, and how soon that is known.

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use platform::provisioner::Provisioner as _;
use platform::provisioner::docker::{EngineEvent, What};
use tests::process::BOUND;

use crate::bench::{Bench, SLEEPER, docker, launch, shell_image};

/// By when a death must be known.
const KNOWN_WITHIN: Duration = Duration::from_secs(2);

#[tokio::test]
async fn an_exit_has_its_code_and_last_lines() {
    let Some(bench) = Bench::new() else { return };
    let script = "i=0; while [ $i -lt 30 ]; do echo line $i; i=$((i+1)); done; echo X_TOKEN=abc; exit 3";
    let launch = launch(&shell_image("exit", script));
    let started = bench.engine.start(&launch).await.unwrap();
    let exit = bench.until_dead(&launch).await;
    assert_eq!((exit.code, exit.out_of_memory), (Some(3), false));
    assert_eq!(exit.log_tail.lines().count(), 20, "{}", exit.log_tail);
    assert!(exit.log_tail.contains("line 29\n"), "{}", exit.log_tail);
    assert!(exit.log_tail.contains("[REDACTED:TOKEN]") && !exit.log_tail.contains("abc"), "{}", exit.log_tail);

    let again = bench.engine.start(&launch).await.unwrap();
    assert_eq!(again.instance, started.instance, "the evidence is not started over");
    assert_eq!(bench.until_dead(&launch).await, exit);
    bench.finish(&[launch.workspace_id]).await;
}

#[tokio::test]
async fn memory_that_ran_out_is_told_from_other_kills() {
    let Some(bench) = Bench::new() else { return };
    let mut eater = launch(&shell_image("eater", "exec tail /dev/zero"));
    eater.limits.memory_mb = 32;
    let sleeper = launch(&shell_image("sleeper", SLEEPER));
    let killed = bench.engine.start(&sleeper).await.unwrap();
    bench.engine.start(&eater).await.unwrap();
    docker(&["kill", &killed.instance]);
    let exit = bench.until_dead(&eater).await;
    assert_eq!((exit.code, exit.out_of_memory), (Some(137), true), "{exit:?}");
    let exit = bench.until_dead(&sleeper).await;
    assert_eq!((exit.code, exit.out_of_memory), (Some(137), false), "{exit:?}");
    bench.finish(&[eater.workspace_id, sleeper.workspace_id]).await;
}

#[tokio::test]
async fn a_killed_container_is_seen_within_two_seconds() {
    let Some(bench) = Bench::new() else { return };
    let launch = launch(&shell_image("sleeper", SLEEPER));
    let mut events = bench.engine.watch();
    let started = bench.engine.start(&launch).await.unwrap();
    let event = |what| EngineEvent { workspace_id: launch.workspace_id, generation: 1, what };
    let next = async |events: &mut futures::stream::BoxStream<'static, EngineEvent>| {
        tokio::time::timeout(BOUND, events.next()).await.expect("an event").unwrap()
    };
    assert_eq!(next(&mut events).await, event(What::Started));
    let killed = Instant::now();
    docker(&["kill", &started.instance]);
    assert_eq!(next(&mut events).await, event(What::Died(Some(137))));
    let known = killed.elapsed();
    eprintln!("the death was known after {known:?}, docker kill included");
    assert!(known < KNOWN_WITHIN, "{known:?}");
    bench.engine.stop(launch.workspace_id, platform::provisioner::Stop::All).await.unwrap();
    assert_eq!(next(&mut events).await, event(What::Destroyed));
    bench.finish(&[launch.workspace_id]).await;
}
