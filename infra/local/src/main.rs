//! `cargo run`: the whole platform on this machine.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use local::{Options, StartError};
use platform::config::Variable;
use tokio::signal::unix::{SignalKind, signal};

fn main() -> ExitCode {
    // Lossy: what is not UTF-8 is none of ours, or is refused for what it has become.
    let text = |given: OsString| given.to_string_lossy().into_owned();
    let variables: HashMap<_, _> = std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect();
    match std::env::args_os().nth(1).map(text).as_deref() {
        None => {}
        Some("--help" | "-h") => return help(),
        // A workspace of the process engine: this same program, as its agent.
        Some(local::engine::RUNTIME) => return workspace_runtime::program(std::env::args_os().skip(1)),
        Some(other) => return fail(&StartError::Argument(other.to_owned())),
    }
    local::log::init(variables.get("RUST_LOG").map_or("", String::as_str));
    raise_file_limit();
    let workers = std::thread::available_parallelism().map_or(2, usize::from).max(2);
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&StartError::Runtime(error.to_string())),
    };
    let ended = runtime.block_on(run(variables));
    // Whatever still runs has had its grace.
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

async fn run(variables: HashMap<String, String>) -> Result<(), StartError> {
    // Before the start, so that a signal during it is not lost.
    let watch = |kind| signal(kind).map_err(|error| StartError::Runtime(error.to_string()));
    let (mut interrupt, mut terminate) = (watch(SignalKind::interrupt())?, watch(SignalKind::terminate())?);
    let running = tokio::select! {
        started = async { local::start(Options::from_variables(variables)?).await } => started?,
        _ = interrupt.recv() => return Ok(()),
        _ = terminate.recv() => return Ok(()),
    };
    // The one line on stdout. Nobody reading it is no reason to end.
    let mut out = std::io::stdout();
    let _ = writeln!(out, "ready {}", running.base_url()).and_then(|()| out.flush());
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    running.stop().await;
    Ok(())
}

fn fail(error: &StartError) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "{}", error.line());
    ExitCode::FAILURE
}

fn help() -> ExitCode {
    let mut text = String::from("The whole platform on this machine. Settings are environment variables:\n\n");
    let line = |variable: &Variable| {
        let default = Some(variable.default).filter(|default| !default.is_empty());
        let default = default.map(|default| format!(" [{default}]")).unwrap_or_default();
        format!("  {:<34}{}{default}\n", variable.name, variable.doc)
    };
    text.extend(local::options::VARIABLES.iter().map(line));
    text.push('\n');
    text.extend(platform::config::VARIABLES.iter().map(line));
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

/// As many open files as the system allows: each agent keeps a connection.
fn raise_file_limit() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}
