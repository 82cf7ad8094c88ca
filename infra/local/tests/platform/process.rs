//! What a person sees of `cargo run`: one line when it is ready, one line when it cannot be, and how it ends.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

fn command(directory: &std::path::Path, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_local"));
    command
        .env_clear()
        .env("PORT", "0")
        .env("MOLECULE_DATA_DIR", directory.join("data"))
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Starts it and waits for its first line.
fn ready(command: &mut Command) -> (Child, String) {
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    (child, line)
}

fn failed(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let stderr = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(1), "{stderr}");
    assert!(stdout.is_empty());
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.starts_with("error: ") && stderr.contains("; "), "{stderr}");
    stderr
}

#[test]
fn it_says_when_it_is_ready_and_ends_cleanly_on_a_signal() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let directory = tempfile::tempdir().unwrap();
        let (mut child, line) = ready(&mut command(directory.path(), &[]));
        assert!(line.starts_with("ready http://127.0.0.1:"), "{line}");
        let asked = Instant::now();
        kill(Pid::from_raw(child.id().try_into().unwrap()), signal).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0));
        assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
        let mut rest = String::new();
        child.stdout.take().unwrap().read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "", "one line on stdout");
    }
}

#[test]
fn the_admin_token_is_the_owners_alone_and_absent_when_one_is_given() {
    let directory = tempfile::tempdir().unwrap();
    let (mut child, _) = ready(&mut command(directory.path(), &[]));
    let file = directory.path().join("data/admin-token");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    child.kill().unwrap();
    child.wait().unwrap();

    let other = tempfile::tempdir().unwrap();
    let (mut child, _) = ready(&mut command(other.path(), &[("ADMIN_TOKEN", "a-token-of-my-own-choice")]));
    assert!(!other.path().join("data/admin-token").exists());
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_second_one_on_the_same_data_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let (mut child, _) = ready(&mut command(directory.path(), &[]));
    let line = failed(&mut command(directory.path(), &[]));
    assert!(line.contains("another platform runs on data directory"), "{line}");
    child.kill().unwrap();
    child.wait().unwrap();
    // A process that was killed leaves no lock behind.
    let (mut child, _) = ready(&mut command(directory.path(), &[]));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn what_keeps_it_from_starting_is_one_line_that_says_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let below_file = file.join("data");
    for (variables, says) in [
        (vec![("PORT", port.as_str())], "is in use"),
        (vec![("PORT", "eighty")], "PORT: must be"),
        (vec![("MOLECULE_DATA_DIR", below_file.to_str().unwrap())], "data directory"),
        (vec![("LIVENESS_TTL_SECONDS", "soon")], "LIVENESS_TTL_SECONDS: must be"),
        (vec![("MOLECULE_ENV", "prod")], "MOLECULE_ENV: must be"),
        (vec![("ADMIN_TOKEN", "short")], "ADMIN_TOKEN: must have"),
        (vec![("AWS_ENDPOINT_URL", "http://127.0.0.1:9")], "DynamoDB at http://127.0.0.1:9 cannot be reached"),
    ] {
        let line = failed(&mut command(directory.path(), &variables));
        assert!(line.contains(says), "{line}");
    }
    let line = failed(command(directory.path(), &[]).arg("--port"));
    assert!(line.contains("--help"), "{line}");
}

#[test]
fn an_environment_that_is_not_utf_8_is_no_obstacle() {
    let directory = tempfile::tempdir().unwrap();
    let (mut child, line) = ready(command(directory.path(), &[]).env("LS_COLORS", OsStr::from_bytes(b"\xff=\xfe")));
    assert!(line.starts_with("ready "), "{line}");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn each_request_is_a_line_on_stderr_that_rust_log_can_leave_out() {
    for (filter, lines) in [("", 1), ("http=off", 0)] {
        let directory = tempfile::tempdir().unwrap();
        let (child, line) = ready(&mut command(directory.path(), &[("RUST_LOG", filter)]));
        let address = line.trim().strip_prefix("ready http://").unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(b"GET /health?secret=1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        std::io::copy(&mut stream, &mut std::io::sink()).unwrap();
        kill(Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
        let stderr = String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap();
        let logged: Vec<_> = stderr.lines().filter(|line| line.contains("GET /health 200 ")).collect();
        assert_eq!(logged.len(), lines, "{stderr}");
        assert!(logged.iter().all(|line| line.as_bytes()[2] == b':' && line.ends_with("ms")), "{stderr}");
        assert!(!stderr.contains("secret"), "{stderr}");
    }
}

#[test]
fn a_broken_database_is_named() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("data")).unwrap();
    std::fs::write(
        directory.path().join("data/dynamodb.sqlite"),
        "this is no database, and long enough to see it".repeat(40),
    )
    .unwrap();
    let line = failed(&mut command(directory.path(), &[]));
    assert!(line.contains("dynamodb.sqlite"), "{line}");
}

#[test]
fn the_help_lists_every_variable() {
    let directory = tempfile::tempdir().unwrap();
    let output = command(directory.path(), &[]).arg("--help").output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    for variable in local::options::VARIABLES.iter().chain(platform::config::VARIABLES) {
        assert!(text.contains(variable.name), "{}", variable.name);
    }
}
