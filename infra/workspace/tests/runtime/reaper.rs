//! The program as the first process of a container.

use std::process::{Command, Stdio};

use crate::{
    agent::{Agent, Gate, WORKSPACE, message, program, text_of, until},
    platform::Platform,
};

/// In a namespace of processes of its own, where it is number 1.
const UNSHARE: [&str; 3] = ["--pid", "--fork", "--kill-child"];

#[tokio::test]
async fn orphans_are_reaped_by_the_first_process_and_turns_keep_their_exit_codes() {
    let tried = Command::new("unshare").args(UNSHARE).arg("true").stderr(Stdio::null()).status();
    if !tried.is_ok_and(|status| status.success()) {
        return eprintln!("SKIPPED: this user cannot make a namespace of processes, so nothing can be process 1");
    }
    let platform = Platform::start().await;
    let gate = Gate::new();
    let orphan = format!("sh -c 'sleep 0.1; : > {}' > /dev/null 2>&1 &", gate.file("over").display());
    let command = format!("({orphan}); read -r line; echo $line; [ $line = good ] || exit 3");
    let mut unshare = tokio::process::Command::new("unshare");
    unshare.args(UNSHARE).arg(program().as_std().get_program());
    unshare.args(["--platform", &platform.url, "--workspace", WORKSPACE, "--port", "0", "--command", &command]);
    unshare.env("WORKSPACE_TOKEN", "token-of-the-test").kill_on_drop(true);
    unshare.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let agent = Agent::launch(unshare).await;
    platform.wait_until_registered().await;
    let first = children(agent.id())[0];
    for turn in 0..5 {
        assert_eq!(text_of(&agent.send(&message(&format!("good{turn}"), "good\n")).await), "good");
        let failed = agent.send(&message(&format!("bad{turn}"), "bad\n")).await;
        assert_eq!(failed["error"]["message"], "command exited with code 3");
    }
    until("an orphan is over", || gate.file("over").exists()).await;
    until("no child is left, not even an ended one", || children(first).is_empty()).await;
}

/// The children of a process, those included that have ended and not been reaped.
fn children(parent: u32) -> Vec<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{parent}/task")).unwrap();
    let of_task = |task: std::io::Result<std::fs::DirEntry>| {
        std::fs::read_to_string(task.unwrap().path().join("children")).unwrap_or_default()
    };
    tasks.map(of_task).collect::<String>().split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}
