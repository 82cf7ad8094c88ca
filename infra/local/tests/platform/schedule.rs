//! Schedules that start functions.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use local::Options;
use local::function::Function;
use local::handler::Handler;
use local::triggers::{Rule, Triggers};
use platform::Platform;
use serde_json::Value;
use tokio::sync::Notify;

fn rule(running: &local::Running, every: Duration, handler: &Handler) -> Rule {
    Rule {
        name: "Rule".into(),
        every,
        function: Arc::new(Function::new("f", Duration::from_secs(5), Arc::clone(handler.invoke()))),
        platform: running.platform().clone(),
        region: "us-east-1".into(),
    }
}

#[tokio::test]
async fn a_schedule_starts_its_function_at_once_and_not_only_after_an_interval() {
    let running = local::start(Options::memory()).await.unwrap();
    let fired = Arc::new(Notify::new());
    let notify = Arc::clone(&fired);
    let handler = Handler::schedule(move |_: Platform, event: Value| {
        assert_eq!(event["detail-type"], "Scheduled Event");
        notify.notify_one();
        async {}
    });
    let triggers = Triggers::start(Vec::new(), vec![rule(&running, Duration::from_secs(3_600), &handler)]);
    tokio::time::timeout(Duration::from_secs(5), fired.notified()).await.unwrap();
    triggers.stop(Duration::from_secs(1)).await;
    running.stop().await;
}

#[tokio::test]
async fn never_do_two_runs_of_a_schedule_overlap_and_a_panic_does_not_end_it() {
    let running = local::start(Options::memory()).await.unwrap();
    let (runs, busy) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let parts = (Arc::clone(&runs), Arc::clone(&busy));
    let handler = Handler::schedule(move |_: Platform, _: Value| {
        let (runs, busy) = parts.clone();
        async move {
            assert!(!busy.swap(true, Ordering::SeqCst), "two at once");
            tokio::time::sleep(Duration::from_millis(20)).await;
            busy.store(false, Ordering::SeqCst);
            assert!(runs.fetch_add(1, Ordering::SeqCst) != 1, "a panic, as asked for");
        }
    });
    let triggers = Triggers::start(Vec::new(), vec![rule(&running, Duration::from_millis(1), &handler)]);
    let enough = async {
        while runs.load(Ordering::SeqCst) < 5 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), enough).await.unwrap();
    triggers.stop(Duration::from_secs(1)).await;
    running.stop().await;
}

#[tokio::test]
async fn a_scheduled_function_can_be_fired_by_hand() {
    let running = local::start(Options::memory()).await.unwrap();
    assert!(running.fire("sweep").await);
    assert!(!running.fire("health").await);
    running.stop().await;
}
