//! Answers that take their time, agents that are busy, and answers that are large.

use std::time::Duration;

use tests::process::{BOUND, Home, Platform, Runtime, answer_text, message};
use tests::{Agent, Answer};

use crate::hold::Hold;

const MIB: usize = 1024 * 1024;

async fn pair(platform: &Platform, command: &str, more: &[&str]) -> (Agent, Agent, Runtime) {
    let (alice, bob) = (platform.external("alice").await, platform.external("bob").await);
    let runtime = Runtime::start(platform, &bob, command, more).await;
    platform.until_status(&bob.id, "online", BOUND).await;
    (alice, bob, runtime)
}

fn check_202(queued: &Answer, bob: &Agent) {
    let entry = format!("/workspaces/{}/a2a/queue/{}", bob.id, queued.body["queue_id"].as_str().unwrap());
    assert_eq!(queued.headers["location"], entry);
    assert!(queued.headers["retry-after"].parse::<u32>().unwrap() > 0);
    assert_eq!(queued.body["queued"], true);
}

#[tokio::test]
async fn an_answer_that_comes_late_is_202_with_its_place_and_then_in_its_place() {
    // The agent answers on the connection that the platform holds, or later by a post of its own.
    for answer_within in ["10", "0.1"] {
        let home = Home::new(&[("A2A_SYNC_WAIT_SECONDS", "1")]);
        let platform = home.start().await;
        let hold = Hold::new();
        let (alice, bob, _bobs) = pair(&platform, &hold.command(), &["--answer-within", answer_within]).await;
        let queued = platform.send(&alice, &bob.id, &message("slow", None)).await.expect(202);
        check_202(&queued, &bob);
        hold.until_begun().await;
        assert_eq!(platform.entry(&queued).await["open"], true);
        hold.release();
        let entry = platform.until_completed(&queued, BOUND).await;
        assert_eq!(answer_text(&entry["result"]["body"]), "did slow");
        assert_eq!(entry["result"]["status"], 200);
        assert_eq!(hold.began(), ["slow"], "it ran once");
    }
}

#[tokio::test]
async fn a_busy_agent_answers_all_its_senders_one_after_the_other() {
    let home = Home::new(&[("A2A_SYNC_WAIT_SECONDS", "28")]);
    let platform = home.start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display();
    // A directory can be made once: a second command at the same time says so.
    let command =
        format!("mkdir {path}/turn || exit 1; text=$(cat); sleep 0.3; rmdir {path}/turn; printf '%s' \"$text\"");
    let (alice, bob, _bobs) = pair(&platform, &command, &["--max-concurrent", "1"]).await;
    let carol = platform.external("carol").await;
    let (first, second) = (message("from alice", None), message("from carol", None));
    let (first, second) =
        tokio::join!(platform.send(&alice, &bob.id, &first), platform.send(&carol, &bob.id, &second),);
    assert_eq!(answer_text(&first.expect(200).body), "from alice");
    assert_eq!(answer_text(&second.expect(200).body), "from carol");
}

#[tokio::test]
async fn child_output_never_deadlocks_end_to_end() {
    let home = Home::new(&[("A2A_SYNC_WAIT_SECONDS", "28")]);
    let platform = home.start().await;
    // stderr first: whoever reads only stdout waits forever.
    let command = format!(
        "head -c {MIB} /dev/zero | tr '\\0' e >&2; head -c {MIB} /dev/zero | tr '\\0' o; head -c {MIB} /dev/zero | tr '\\0' e >&2"
    );
    let (alice, bob, _bobs) = pair(&platform, &command, &[]).await;
    let queued = platform.send(&alice, &bob.id, &message("", Some("large"))).await;
    let answer = match queued.status {
        200 => queued.body,
        _ => platform.until_completed(&queued.expect(202), BOUND).await["result"]["body"].take(),
    };
    let text = answer_text(&answer);
    assert_eq!(text.len(), MIB);
    assert!(text.bytes().all(|byte| byte == b'o'));
}

#[tokio::test]
async fn a_message_of_nearly_a_mebibyte_comes_back_whole() {
    let home = Home::new(&[("A2A_SYNC_WAIT_SECONDS", "28")]);
    let platform = home.start().await;
    let (alice, bob, _bobs) = pair(&platform, "cat", &["--turn-timeout", "20"]).await;
    let text = "x".repeat(MIB - 1024);
    let answer = platform.send(&alice, &bob.id, &message(&text, None)).await.expect(200);
    assert!(answer_text(&answer.body) == text, "it came back otherwise");
}

#[tokio::test]
async fn a_command_that_fails_is_an_answer_that_says_so() {
    let home = Home::new(&[("A2A_SYNC_WAIT_SECONDS", "28")]);
    let platform = home.start().await;
    let (alice, bob, _bobs) = pair(&platform, "echo what it says >&2; exit 3", &[]).await;
    let answer = platform.send(&alice, &bob.id, &message("try", None)).await.expect(200);
    let data = &answer.body["error"]["data"];
    assert_eq!(data["exit_code"], 3, "{}", answer.body);
    assert!(data["stderr"].as_str().unwrap().contains("what it says"));
}

#[tokio::test]
async fn a_sender_may_wait_less_and_a_repeat_gets_the_first_ones_outcome() {
    let home = Home::new(&[]);
    let platform = home.start().await;
    let hold = Hold::new();
    let (alice, bob, _bobs) = pair(&platform, &hold.command(), &[]).await;
    let mut once = message("once", None);
    once["params"]["message"]["messageId"] = "the same".into();
    let bearer = format!("Bearer {}", alice.token);
    let headers = [("authorization", bearer.as_str()), ("x-workspace-id", alice.id.as_str()), ("x-timeout", "1")];
    let path = format!("/workspaces/{}/a2a", bob.id);
    let queued = platform.request("POST", &path, &headers, &once).await.unwrap().expect(202);
    check_202(&queued, &bob);
    hold.release();
    let repeat = platform.send(&alice, &bob.id, &once).await.expect(200);
    assert_eq!(answer_text(&repeat.body), "did once");
    assert_eq!(repeat.headers["x-molecule-queue-id"], queued.body["queue_id"].as_str().unwrap());
    assert_eq!(hold.began(), ["once"]);
    platform.until_completed(&queued, Duration::ZERO).await;
}
