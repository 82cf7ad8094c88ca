//! Cron with real processes: a child that never ends costs the schedule one ceiling, and no more.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tests::process::{BOUND, Home, Runtime, message};

/// Seconds into the minute.
fn second() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64() % 60.0
}

#[tokio::test]
async fn cron_never_starves() {
    let limits = [("LIVENESS_TTL_SECONDS", "2"), ("MAX_TURN_SECONDS", "8"), ("TURN_GRACE_SECONDS", "2")];
    let home = Home::new(&[&limits[..], &[("A2A_SYNC_WAIT_SECONDS", "0")]].concat());
    let platform = home.start().await;
    let (alice, bob) = (platform.external("alice").await, platform.external("bob").await);
    // The word "hang" starts a child that does not hear SIGTERM and never ends.
    let command = r#"text=$(cat); case "$text" in *hang*) trap '' TERM; echo begun; while :; do sleep 1; done;; esac; echo "did $text""#;
    let _runtime = Runtime::start(&platform, &bob, command, &["--max-concurrent", "1"]).await;
    platform.until_status(&bob.id, "online", BOUND).await;
    let schedules = format!("/workspaces/{}/schedules", bob.id);
    let body = json!({ "name": "each minute", "cron_expr": "* * * * *", "prompt": "look" });
    let made = platform.call("POST", &schedules, None, &body).await.expect(201).body;
    let history = format!("{schedules}/{}/history", made["id"].as_str().unwrap());

    // The endless turn begins a few seconds before a fire is due.
    tokio::time::sleep(Duration::from_secs_f64((115.0 - second()) % 60.0)).await;
    let hung = platform.send(&alice, &bob.id, &message("hang", None)).await.expect(202);
    let fired = async {
        loop {
            let rows = platform.call("GET", &history, None, &Value::Null).await.expect(200).body;
            let newest = rows[0].clone();
            if newest["outcome"] == "fired" && newest["wait_ms"].as_u64().unwrap() > 500 {
                return newest;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let fire = tokio::time::timeout(BOUND, fired).await.expect("the fire starts when the turn is ended");
    assert_eq!(fire["preview"], "did look");
    // Ceiling and grace after the endless turn began, and some for the machine.
    assert!(fire["wait_ms"].as_u64().unwrap() < 15_000, "{fire}");
    // The turn that was ended is answered with what it had.
    let entry = platform.until_completed(&hung, BOUND).await;
    assert!(entry["result"]["body"].to_string().contains("begun"), "{entry}");
    let events = platform.call("GET", &format!("/events/{}", bob.id), None, &Value::Null).await.expect(200);
    assert!(events.text.contains("TURN_WRAP_UP"), "{}", events.text);

    // A minute with a fire and a message has something for most measures.
    let measured = platform.call("GET", "/metrics", None, &Value::Null).await.expect(200);
    assert!(measured.headers["content-type"].starts_with("text/plain"), "{:?}", measured.headers);
    for series in [
        "molecule_fires_total ",
        "molecule_fire_lateness_seconds_count ",
        "molecule_drain_seconds_count ",
        "molecule_queue_age_seconds ",
        "molecule_status_changes_total{to=\"online\"} ",
        "molecule_http_requests_total{",
    ] {
        assert!(measured.text.lines().any(|line| line.starts_with(series)), "no {series}\n{}", measured.text);
    }
    for id in [&alice.id, &bob.id] {
        assert!(!measured.text.contains(id.as_str()), "a measure names a workspace\n{}", measured.text);
    }
}
