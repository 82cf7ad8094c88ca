//! The program: options, log, signals, and the exit code.

use std::{ffi::OsString, io::stderr, process::ExitCode};

use clap::{Parser as _, error::ErrorKind};
use tracing::{error, warn};
use tracing_subscriber::EnvFilter;

use crate::{
    options::Options,
    runtime::{Ended, run},
    shutdown::on_signals,
};

/// Runs `workspace-runtime` with these arguments, the first of which is the program's own name, to its end.
pub fn program(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let options = match Options::try_parse_from(arguments) {
        Ok(options) => options,
        Err(error) if matches!(error.kind(), ErrorKind::ValueValidation | ErrorKind::InvalidValue) => {
            return fail(error.to_string().lines().next().unwrap_or("error: an option is wrong; see --help"));
        }
        Err(error) => error.exit(),
    };
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info")))
        .with_writer(stderr)
        .with_target(false)
        .with_ansi(false)
        .init();
    // What a command leaves running stays below this program, whose engine watches its memory and ends it with it.
    #[cfg(target_os = "linux")]
    if let Err(error) = nix::sys::prctl::set_child_subreaper(true) {
        warn!(%error, "what commands leave running does not stay below this program");
    }
    // Two threads, so that a long piece of work in one leaves the other for the heartbeat.
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("error: the program cannot start: {error}")),
    };
    let code = runtime.block_on(async {
        let shutdown = match on_signals() {
            Ok(shutdown) => shutdown,
            Err(error) => return fail(&format!("error: signals cannot be handled: {error}")),
        };
        match run(options, shutdown).await {
            Ok(Ended::Finished) => ExitCode::SUCCESS,
            Ok(Ended::LetGo) => ExitCode::FAILURE,
            Err(failure) => {
                error!("{failure}");
                ExitCode::FAILURE
            }
        }
    });
    // What is left was let go of on purpose.
    runtime.shutdown_background();
    code
}

fn fail(line: &str) -> ExitCode {
    #[expect(clippy::print_stderr, reason = "there is no logging yet")]
    {
        eprintln!("{line}");
    }
    ExitCode::FAILURE
}
