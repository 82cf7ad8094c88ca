//! A newer generation of the workspace was started: this one is a zombie, and ends.

use serde_json::{Value, json};

use crate::{
    agent::{Agent, Gate, TOKEN, message},
    platform::{HEARTBEAT, Platform, REGISTER, Reply, registered},
};

fn stale() -> Reply {
    Reply::Json(409, json!({"error": "generation 2 was started; this is 1", "code": "stale_generation"}))
}

#[tokio::test]
async fn a_stale_boot_credential_ends_the_program_cleanly() {
    let platform = Platform::start().await;
    platform.always(REGISTER, stale());
    let mut agent = Agent::start(&platform, "cat", &[]).await;
    assert_eq!(agent.ended().await.code(), Some(0));
    assert_eq!(platform.all(REGISTER).len(), 1, "it does not try again");
    assert!(platform.all(HEARTBEAT).is_empty(), "and says nothing more");
    assert!(agent.log().contains("a newer generation of this workspace was started"), "{}", agent.log());
}

#[tokio::test]
async fn a_saved_token_that_is_stale_gives_way_to_the_boot_credential() {
    let platform = Platform::start().await;
    let mut answer = registered();
    answer["auth_token"] = "fresh".into();
    platform.once(REGISTER, stale()).once(REGISTER, Reply::Json(200, answer)).accept_only(HEARTBEAT, "fresh");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "of the former generation").unwrap();
    let _agent = Agent::start(&platform, "cat", &["--token-file", file.to_str().unwrap()]).await;
    platform.wait_for(HEARTBEAT, "the fresh token", |beat| beat.bearer.as_deref() == Some("fresh")).await;
    let tried: Vec<_> = platform.all(REGISTER).into_iter().filter_map(|register| register.bearer).collect();
    assert_eq!(tried, ["of the former generation", TOKEN]);
}

/// Its turn is killed, its caller gets no answer, and the platform hears nothing more.
async fn ends_in_mid_turn(refusal: Reply) {
    let platform = Platform::start().await;
    let gate = Gate::new();
    let command = format!("echo $$ > {}; {}; echo done", gate.file("pid").display(), gate.wait());
    let mut agent = Agent::start_registered(&platform, &command, &["--heartbeat-interval", "0.1"]).await;
    let later = agent.post(&message("m1", "x")).header("prefer", "respond-async, wait=0");
    let later = later.header("x-molecule-queue-id", "q1").header("x-molecule-slot-epoch", "1");
    assert_eq!(later.send().await.unwrap().status(), 202);
    gate.until_started().await;
    let pid: i32 = std::fs::read_to_string(gate.file("pid")).unwrap().trim().parse().unwrap();
    platform.always(HEARTBEAT, refusal);
    assert_eq!(agent.ended().await.code(), Some(0));
    crate::agent::until("the turn is dead", || !std::path::Path::new(&format!("/proc/{pid}")).exists()).await;
    let results: Vec<Value> = platform
        .all(&format!("/workspaces/{}/a2a/queue/q1/result", crate::agent::WORKSPACE))
        .into_iter()
        .map(|r| r.body)
        .collect();
    assert!(results.is_empty(), "{results:?}");
    assert_eq!(platform.all(REGISTER).len(), 1);
}

#[tokio::test]
async fn a_stale_heartbeat_ends_the_program_in_mid_turn() {
    ends_in_mid_turn(stale()).await;
}

#[tokio::test]
async fn a_refused_heartbeat_may_ask_for_the_same() {
    ends_in_mid_turn(Reply::Json(409, json!({"error": "replaced", "code": "conflict", "shutdown": true}))).await;
}

#[tokio::test]
async fn another_conflict_is_tried_again() {
    let platform = Platform::start().await;
    platform.once(REGISTER, Reply::Json(409, json!({"error": "it is paused", "code": "workspace_paused"})));
    let _agent = Agent::start(&platform, "cat", &[]).await;
    platform.wait_until_registered().await;
    assert_eq!(platform.all(REGISTER).len(), 2);
}
