//! An agent as a process: `workspace-runtime`.

use std::process::Command;

use super::{Client, Process, binary};
use crate::world::Agent;

/// A running agent.
pub struct Runtime {
    /// The process.
    pub process: Process,
    /// Where it listens.
    pub url: String,
}

impl Runtime {
    /// Starts the agent of a workspace, which runs `command` for each message, and waits until it listens.
    pub async fn start(platform: &Client, agent: &Agent, command: &str, more: &[&str]) -> Self {
        let mut program = Command::new(binary("workspace-runtime"));
        program.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        program.env("WORKSPACE_TOKEN", &agent.token);
        program.args(["--platform", &platform.url, "--workspace", &agent.id, "--port", "0", "--command", command]);
        let mut process = Process::start(program.args(more));
        let url = process.ready().await;
        Self { process, url }
    }
}
