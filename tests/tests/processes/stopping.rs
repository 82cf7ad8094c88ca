//! SIGTERM and SIGINT: a clean end, whatever is under way.

use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::json;
use tests::process::{BOUND, Home, Runtime, message};

use crate::hold::Hold;

/// How long an end may take.
const SOON: Duration = Duration::from_secs(10);

async fn ends_cleanly_while_a_sender_waits(signal: Signal) {
    let home = Home::lasting(&[]);
    let mut platform = home.start().await;
    let hold = Hold::new();
    let (alice, bob) = (platform.external("alice").await, platform.external("bob").await);
    let _bobs = Runtime::start(&platform, &bob, &hold.command(), &[]).await;
    platform.until_status(&bob.id, "online", BOUND).await;
    let client = platform.client();
    let (from, to) = (alice.clone(), bob.id.clone());
    let sender = tokio::spawn(async move { client.try_send(&from, &to, &message("slow", None)).await });
    hold.until_begun().await;

    platform.process.signal(signal);
    let ended = platform.process.ended(SOON).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(ended.stdout.lines().count(), 1, "{}", ended.stdout);
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    let answer = tokio::time::timeout(SOON, sender).await.expect("the sender is not left hanging").unwrap();
    if let Ok(answer) = answer {
        assert!(answer.status == 202 || answer.status >= 500, "{}", answer.text);
    }

    // What was accepted is still there, and is answered by the next platform, by one run of the command.
    let platform = home.start().await;
    hold.release();
    let after = platform.send(&alice, &bob.id, &message("after", None)).await;
    if after.status != 200 {
        platform.until_completed(&after.expect(202), BOUND).await;
    }
    assert_eq!(hold.began(), ["slow", "after"]);
}

#[tokio::test]
async fn sigterm_ends_it_cleanly_while_a_sender_waits() {
    ends_cleanly_while_a_sender_waits(Signal::SIGTERM).await;
}

#[tokio::test]
async fn sigint_ends_it_cleanly_while_a_sender_waits() {
    ends_cleanly_while_a_sender_waits(Signal::SIGINT).await;
}

#[tokio::test]
async fn an_idle_platform_ends_at_once_and_a_request_under_way_is_finished() {
    let home = Home::new(&[]);
    let mut platform = home.start().await;
    let client = platform.client();
    let requests = (0..8).map(|number| {
        let client = client.clone();
        let body = json!({ "name": format!("w{number}") });
        tokio::spawn(async move { client.request("POST", "/workspaces", &[], &body).await })
    });
    let requests: Vec<_> = requests.collect();
    platform.external("first").await;
    platform.process.signal(Signal::SIGTERM);
    let ended = platform.process.ended(SOON).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let mut created = 1;
    for request in requests {
        let answer = tokio::time::timeout(SOON, request).await.expect("an answer or an error").unwrap();
        created += usize::from(answer.is_ok_and(|answer| answer.status == 201));
    }
    let platform = home.start().await;
    let kept = platform.call("GET", "/workspaces", None, &serde_json::Value::Null).await.expect(200);
    assert!(kept.body.as_array().unwrap().len() >= created, "what was acknowledged is kept");
}
