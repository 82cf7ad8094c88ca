use serde_json::json;

use crate::{
    agent::{Agent, Gate, WORKSPACE, message, program, text_of, until},
    platform::{HEARTBEAT, Platform, Reply},
};

const MIB: usize = 1024 * 1024;

/// A child that writes more than a pipe holds, to both outputs, while nobody waits for it to end.
#[tokio::test]
async fn child_output_never_deadlocks() {
    let platform = Platform::start().await;
    let command = "exec <&-; head -c 1048576 /dev/zero | tr '\\0' e >&2; head -c 1048576 /dev/zero | tr '\\0' o";
    let agent = Agent::start_registered(&platform, command, &[]).await;
    let response = agent.send(&message("m1", "x")).await;
    let text = text_of(&response);
    assert_eq!(text.len(), MIB);
    assert!(text.bytes().all(|byte| byte == b'o'));
}

#[tokio::test]
async fn a_child_that_never_reads_its_input_is_fine() {
    let platform = Platform::start().await;
    let agent = Agent::start_registered(&platform, "echo done", &[]).await;
    assert_eq!(text_of(&agent.send(&message("m1", &"x".repeat(MIB))).await), "done");
}

#[tokio::test]
async fn a_child_that_echoes_a_large_input_is_fine() {
    let platform = Platform::start().await;
    let agent = Agent::start_registered(&platform, "tee /dev/stderr", &[]).await;
    assert_eq!(text_of(&agent.send(&message("m1", &"x".repeat(MIB))).await).len(), MIB);
}

#[tokio::test]
async fn a_grandchild_that_holds_the_output_does_not_hold_the_turn() {
    let platform = Platform::start().await;
    let gate = Gate::new();
    let note = gate.file("pid");
    let command = format!("sleep 600 & echo $! > {}; echo done", note.display());
    let agent = Agent::start_registered(&platform, &command, &[]).await;
    assert_eq!(text_of(&agent.send(&message("m1", "x")).await), "done");
    let pid: i32 = std::fs::read_to_string(note).unwrap().trim().parse().unwrap();
    until("the grandchild is gone", || !is_running(pid)).await;
}

fn is_running(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

#[tokio::test]
async fn a_command_that_fails_is_an_error_with_its_last_words() {
    let platform = Platform::start().await;
    let agent = Agent::start_registered(&platform, "head -c 9999 /dev/zero | tr '\\0' e >&2; exit 7", &[]).await;
    let response = agent.send(&message("m1", "x")).await;
    assert_eq!(response["error"]["code"], -32603);
    assert_eq!(response["error"]["message"], "command exited with code 7");
    assert_eq!(response["error"]["data"], json!({"exit_code": 7, "stderr": "e".repeat(4096)}));
    platform.wait_for(HEARTBEAT, "the error", |beat| beat.body["error_rate"] == 1.0).await;
}

#[tokio::test]
async fn a_turn_that_takes_too_long_is_stopped() {
    let platform = Platform::start().await;
    let agent = Agent::start_registered(&platform, "sleep 600", &["--turn-timeout", "0.2"]).await;
    let response = agent.send(&message("m1", "x")).await;
    assert_eq!(response["error"]["message"], "the command ran longer than 0.2 s and was stopped");
    assert_eq!(response["error"]["data"]["exit_code"], 128 + 15);
}

#[tokio::test]
async fn the_environment_tells_about_the_message_and_no_secret() {
    let platform = Platform::start().await;
    let agent = Agent::start_registered(&platform, "env; echo fin", &[]).await;
    let request = agent.post(&message("m1", "x")).header("x-workspace-id", "the-caller");
    let response: serde_json::Value = request.send().await.unwrap().json().await.unwrap();
    let text = text_of(&response);
    let has = |line: &str| text.lines().any(|other| other == line);
    assert!(has(&format!("WORKSPACE_ID={WORKSPACE}")), "{text}");
    assert!(has(&format!("PLATFORM_URL={}", platform.url)));
    assert!(has("A2A_CALLER=the-caller") && has("A2A_CONTEXT_ID=c1") && has("A2A_MESSAGE_ID=m1"));
    assert!(!text.contains("WORKSPACE_TOKEN"));
}

#[tokio::test]
async fn output_is_kept_as_it_is_up_to_the_limit() {
    let platform = Platform::start().await;
    let agent = Agent::start_registered(&platform, "cat; printf '\\377\\n\\n'", &["--max-output-bytes", "8"]).await;
    assert_eq!(text_of(&agent.send(&message("m1", " a")).await), " a\u{fffd}\n");
    let cut = agent.send(&message("m2", "0123456789")).await;
    assert_eq!(text_of(&cut), "01234567\n[5 more bytes of output were discarded]");
}

#[tokio::test]
async fn the_platform_may_ask_a_turn_to_wrap_up() {
    let platform = Platform::start().await;
    let gate = Gate::new();
    let command = format!("trap 'echo wrapped up; exit 0' TERM; {}", gate.wait());
    let agent = Agent::start_registered(&platform, &command, &["--heartbeat-interval", "0.1"]).await;
    let turn = tokio::spawn(agent.post(&message("m1", "x")).send());
    gate.until_started().await;
    let ask = json!({"status": "ok", "control": [{"kind": "checkpoint_and_exit"}]});
    platform.once(HEARTBEAT, Reply::Json(200, ask));
    let response: serde_json::Value = turn.await.unwrap().unwrap().json().await.unwrap();
    assert_eq!(text_of(&response), "wrapped up");
}

/// A turn that is asked to wrap up and does not is killed when the grace is over, and what it wrote is its answer.
#[tokio::test]
async fn a_turn_that_does_not_wrap_up_is_killed_and_the_next_one_starts() {
    let platform = Platform::start().await;
    let gate = Gate::new();
    let command = format!("trap '' TERM; echo so far; {}", gate.wait());
    let agent = Agent::start_registered(&platform, &command, &["--heartbeat-interval", "0.1"]).await;
    let turn = tokio::spawn(agent.post(&message("m1", "x")).send());
    gate.until_started().await;
    let entry = json!({ "kind": "checkpoint_and_exit", "at": "then", "grace_seconds": 0.2 });
    let ask = || Reply::Json(200, json!({ "status": "ok", "control": [entry.clone()] }));
    platform.once(HEARTBEAT, ask());
    let response: serde_json::Value = turn.await.unwrap().unwrap().json().await.unwrap();
    assert_eq!(text_of(&response), "so far");
    // The same request again is not for the turn that runs by now.
    let turn = tokio::spawn(agent.post(&message("m2", "x")).send());
    platform.once(HEARTBEAT, ask());
    platform.wait_for(HEARTBEAT, "a beat with the next turn", |beat| beat.body["active_tasks"] == 1).await;
    gate.open();
    let response: serde_json::Value = turn.await.unwrap().unwrap().json().await.unwrap();
    assert_eq!(text_of(&response), "so far");
}

/// Who may send messages may not end turns with them.
#[tokio::test]
async fn a_delivered_message_never_ends_turns() {
    let platform = Platform::start().await;
    let agent = Agent::start_registered(&platform, "cat", &[]).await;
    let mut forged = message("m1", "kill it");
    forged["params"]["message"]["metadata"] = json!({ "kind": "cancel" });
    let request = agent.post(&forged).header("x-molecule-queue-id", "q-1").header("x-molecule-slot-epoch", "1");
    let response: serde_json::Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(text_of(&response), "kill it", "it is a message like any other");
}

#[tokio::test]
async fn the_builtin_echo_needs_no_shell() {
    let platform = Platform::start().await;
    let agent = Agent::launch(without_shell(&platform, "builtin:echo")).await;
    platform.wait_until_registered().await;
    assert_eq!(text_of(&agent.send(&message("m1", " hello\n")).await), " hello\n");
}

#[tokio::test]
async fn an_image_without_a_shell_is_told_of() {
    let platform = Platform::start().await;
    let agent = Agent::launch(without_shell(&platform, "cat")).await;
    platform.wait_until_registered().await;
    let response = agent.send(&message("m1", "x")).await;
    let told = response["error"]["message"].as_str().unwrap();
    assert!(told.starts_with("this image has no shell; ") && told.contains("builtin:echo"), "{told}");
}

/// The program where no `sh` is found.
fn without_shell(platform: &Platform, command: &str) -> tokio::process::Command {
    let mut program = program();
    program.args(["--platform", &platform.url, "--workspace", WORKSPACE, "--port", "0", "--command", command]);
    program.env("WORKSPACE_TOKEN", "token-of-the-test").env("PATH", "/nowhere");
    program
}

/// Nothing counts out-of-memory kills where the tests run, so it stays a guess; `memory.rs` tests the certain words.
#[tokio::test]
async fn a_command_that_somebody_else_killed_may_have_been_out_of_memory() {
    let platform = Platform::start().await;
    let agent = Agent::start_registered(&platform, "echo last words >&2; kill -9 $$", &[]).await;
    let response = agent.send(&message("m1", "x")).await;
    assert_eq!(response["error"]["message"], "command was killed (SIGKILL): out of memory?");
    assert_eq!(response["error"]["data"], json!({"exit_code": 137, "stderr": "last words\n"}));
}

#[tokio::test]
async fn a_command_that_the_platform_killed_is_not_said_to_have_been_out_of_memory() {
    let platform = Platform::start().await;
    let gate = Gate::new();
    let agent = Agent::start_registered(&platform, &gate.wait(), &["--heartbeat-interval", "0.1"]).await;
    let turn = tokio::spawn(agent.post(&message("m1", "x")).send());
    gate.until_started().await;
    platform.once(HEARTBEAT, Reply::Json(200, json!({"status": "ok", "control": ["cancel"]})));
    let response: serde_json::Value = turn.await.unwrap().unwrap().json().await.unwrap();
    assert_eq!(response["error"]["message"], "command was ended by SIGKILL");
}

#[tokio::test]
async fn help_names_the_variables_and_no_value_of_a_token() {
    let output = program().arg("--help").env("WORKSPACE_TOKEN", "s3cret").output().await.unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(help.contains("WORKSPACE_TOKEN") && !help.contains("s3cret"), "{help}");
}

/// So that what a turn calls can go on with its trace.
#[tokio::test]
async fn the_command_knows_the_trace_of_its_message() {
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let platform = Platform::start().await;
    let agent = Agent::start_registered(&platform, "printf '%s %s' \"$TRACEPARENT\" \"$TRACESTATE\"", &[]).await;
    let traced = agent.post(&message("m1", "x")).header("traceparent", parent).header("tracestate", "a=b");
    let answer: serde_json::Value = traced.send().await.unwrap().json().await.unwrap();
    assert_eq!(text_of(&answer), format!("{parent} a=b"));
    assert_eq!(text_of(&agent.send(&message("m2", "x")).await), " ");
}
