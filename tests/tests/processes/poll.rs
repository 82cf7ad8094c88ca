//! An agent that cannot be called, with the real runtime.

use tests::process::{BOUND, Home, Runtime, answer_text, message};

/// Incident A: messages for an idle workspace in poll mode are delivered within one poll.
#[tokio::test]
async fn idle_poll_inbox_drains() {
    let home = Home::new(&[("A2A_SYNC_WAIT_SECONDS", "0")]);
    let platform = home.start().await;
    let (alice, bob) = (platform.external("alice").await, platform.external("bob").await);
    let mut queued = Vec::new();
    let _bobs = Runtime::start(&platform, &bob, "tr a-z A-Z", &["--mode", "poll"]).await;
    platform.until_status(&bob.id, "online", BOUND).await;
    for text in ["one", "two", "three"] {
        queued.push((text, platform.send(&alice, &bob.id, &message(text, None)).await.expect(202)));
    }
    for (text, queued) in queued {
        assert_eq!(queued.body["message"], "queued for poll");
        let entry = platform.until_completed(&queued, BOUND).await;
        assert_eq!(answer_text(&entry["result"]["body"]), text.to_uppercase());
        assert_eq!(entry["attempts"], 0, "each was fetched once: {entry}");
    }
}
