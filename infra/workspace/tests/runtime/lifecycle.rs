use clap::Parser as _;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use workspace_runtime::{Ended, Options, Runtime, shutdown};

use crate::{
    agent::{Agent, Gate, WORKSPACE, client, message, until},
    platform::{HEARTBEAT, INBOUND, Platform, REGISTER, Reply},
};

#[tokio::test]
async fn sigterm_finishes_the_turn_and_exits_with_zero() {
    let platform = Platform::start().await;
    let gate = Gate::new();
    let mut agent =
        Agent::start_registered(&platform, &format!("{}; echo done", gate.wait()), &["--max-concurrent", "2"]).await;
    let turn = tokio::spawn(agent.post(&message("m1", "x")).send());
    gate.until_started().await;
    agent.signal(Signal::SIGTERM);
    until("the signal is seen", || agent.log().contains("no new messages are taken")).await;
    let refused = agent.post(&message("m2", "x")).send().await.unwrap();
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.headers()["retry-after"], "1");
    gate.open();
    let response: Value = turn.await.unwrap().unwrap().json().await.unwrap();
    assert_eq!(response["result"]["parts"][0]["text"], "done");
    assert_eq!(agent.ended().await.code(), Some(0));
    assert_eq!(platform.all(HEARTBEAT).last().unwrap().body["active_tasks"], 0);
}

#[tokio::test]
async fn sigterm_waits_for_the_results_that_are_owed() {
    let platform = Platform::start().await;
    let path = format!("/workspaces/{WORKSPACE}/a2a/queue/q1/result");
    platform.once(&path, Reply::Later(503, 1));
    let gate = Gate::new();
    let mut agent = Agent::start_registered(&platform, &gate.wait(), &[]).await;
    let request = agent.post(&message("m1", "x")).header("prefer", "respond-async, wait=0");
    let request = request.header("x-molecule-queue-id", "q1").header("x-molecule-slot-epoch", "1");
    assert_eq!(request.send().await.unwrap().status(), 202);
    agent.signal(Signal::SIGINT);
    gate.open();
    assert_eq!(agent.ended().await.code(), Some(0));
    assert_eq!(platform.all(&path).len(), 2);
}

#[tokio::test]
async fn a_second_signal_stops_the_children_and_exits_with_one() {
    let platform = Platform::start().await;
    let gate = Gate::new();
    let told = gate.file("told");
    // The shell must not speak when its pipes are gone, or SIGPIPE ends it before its trap runs.
    let command = format!("exec >/dev/null 2>&1; trap 'echo > {}; exit' TERM; {}", told.display(), gate.wait());
    let mut agent = Agent::start_registered(&platform, &command, &[]).await;
    let _turn = tokio::spawn(agent.post(&message("m1", "x")).send());
    gate.until_started().await;
    agent.signal(Signal::SIGTERM);
    until("the first signal is seen", || agent.log().contains("no new messages are taken")).await;
    agent.signal(Signal::SIGTERM);
    assert_eq!(agent.ended().await.code(), Some(1));
    until("the command is told", || told.exists()).await;
}

#[tokio::test]
async fn a_removed_workspace_exits_with_zero() {
    for path in [REGISTER, HEARTBEAT] {
        let platform = Platform::start().await;
        platform.always(path, Reply::Json(410, json!({"error": "gone", "code": "workspace_removed"})));
        let mut agent = Agent::start(&platform, "cat", &[]).await;
        assert_eq!(agent.ended().await.code(), Some(0), "410 at {path}");
        until("it says why", || agent.log().contains("removed this workspace")).await;
    }
}

#[tokio::test]
async fn the_platform_may_ask_it_to_end() {
    for path in [REGISTER, HEARTBEAT] {
        let platform = Platform::start().await;
        let answer = json!({"status": "ok", "platform_inbound_secret": INBOUND, "shutdown": true});
        platform.always(path, Reply::Json(200, answer));
        let mut agent = Agent::start(&platform, "cat", &[]).await;
        assert_eq!(agent.ended().await.code(), Some(0), "shutdown at {path}");
        until("it says why", || agent.log().contains("asked this workspace to end")).await;
    }
}

#[tokio::test]
async fn a_workspace_can_run_inside_another_program() {
    let platform = Platform::start().await;
    let arguments =
        ["x", "--platform", &platform.url, "--workspace", WORKSPACE, "--port", "0", "--command", "cat", "--token", "t"];
    let runtime = Runtime::bind(Options::try_parse_from(arguments).unwrap()).await.unwrap();
    let url = format!("http://{}", runtime.address().unwrap());
    let (trigger, shutdown) = shutdown();
    let running = tokio::spawn(runtime.serve(shutdown));
    platform.wait_until_registered().await;
    let response = client().post(url).bearer_auth(INBOUND).json(&message("m1", "hello")).send().await.unwrap();
    assert_eq!(response.json::<Value>().await.unwrap()["result"]["parts"][0]["text"], "hello");
    trigger.finish();
    assert_eq!(running.await.unwrap(), Ended::Finished);
}
