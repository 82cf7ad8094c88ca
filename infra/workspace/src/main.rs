//! `workspace-runtime`: runs a command for each message that the platform sends to a workspace.

use std::process::ExitCode;

fn main() -> ExitCode {
    workspace_runtime::program(std::env::args_os())
}
