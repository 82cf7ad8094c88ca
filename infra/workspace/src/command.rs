//! One run of the command: a child process in its own group, its input written and its outputs read all at the same
//! time.
//!
//! Waiting for a child before its pipes are empty deadlocks once it has written more than a pipe holds (64 KiB), and so
//! does writing all of its input before reading. Hence one loop that drives all four. A pipe may also outlive the
//! child, held open by something that it left running; that gets a short while, then the group is killed.

use std::{
    io,
    os::unix::process::ExitStatusExt as _,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use nix::sys::signal::Signal;
use tokio::{
    io::{AsyncRead, AsyncWriteExt as _},
    process::{Child, ChildStdin, Command},
    time::{Instant, sleep, timeout},
};
use tracing::debug;

use crate::{
    children::Group,
    memory::Memory,
    outcome::Outcome,
    output::{Head, Tail, drain},
    state::State,
};

/// How long pipes may stay open after the child ended.
const DRAIN_AFTER_EXIT: Duration = Duration::from_secs(2);
/// How long a child that ran too long has between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(5);
/// How much of the end of the error output is reported.
const STDERR_TAIL: usize = 4 * 1024;
/// The command that needs no shell: it answers with the message.
const ECHO: &str = "builtin:echo";
/// What the command does not inherit.
const SECRETS: [&str; 4] = ["WORKSPACE_TOKEN", "WORKSPACE_TOKEN_FILE", "ADMIN_TOKEN", "SECRETS_ENCRYPTION_KEY"];

/// What a turn is about.
#[derive(Debug, Default)]
pub struct Input {
    /// The message's text.
    pub text: String,
    /// The workspace that sent it.
    pub caller: Option<String>,
    /// Its conversation.
    pub context_id: Option<String>,
    /// Its id.
    pub message_id: Option<String>,
    /// Its record on the platform.
    pub queue_id: Option<String>,
    /// W3C Trace Context: where in which trace it is.
    pub traceparent: Option<String>,
    /// What the trace's own tools say of it.
    pub tracestate: Option<String>,
}

/// How a child came to its end.
enum End {
    Exited(ExitStatus),
    RanTooLong(ExitStatus),
    /// The platform asked it to wrap up.
    WrappedUp,
}

/// Runs the command once.
pub async fn run(state: &State, input: Input) -> Outcome {
    if state.options.command == ECHO {
        return Outcome::answer(input.text);
    }
    let memory = Memory::here();
    let (mut child, group) = match start(state, &input) {
        Ok(started) => started,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let text =
                "this image has no shell; commands are run by sh -c: use an image with sh, or WORKSPACE_COMMAND=";
            return Outcome::failure(format!("{text}{ECHO}"));
        }
        Err(error) => {
            return Outcome::failure(format!("the command could not be started: {error}"));
        }
    };
    let mut stdout = Head::new(state.options.max_output_bytes);
    let mut stderr = Tail::new(STDERR_TAIL);
    let limit = Some(state.options.turn_timeout).filter(|limit| !limit.is_zero());
    match converse(&mut child, &group, input.text, (&mut stdout, &mut stderr), limit).await {
        Ok(End::Exited(status)) if status.success() => Outcome::answer(stdout.into_text()),
        // What it has is the answer, however it ended.
        Ok(End::WrappedUp) => Outcome::answer(stdout.into_text()),
        Ok(End::Exited(status)) => {
            let killed = status.signal() == Some(Signal::SIGKILL as i32);
            if killed && group.was_killed() {
                return Outcome::called_off(describe(status).0);
            }
            let (message, code) =
                if killed { (memory.killed(), 128 + Signal::SIGKILL as i32) } else { describe(status) };
            Outcome::command_failed(message, code, &told(state, stderr))
        }
        Ok(End::RanTooLong(status)) => {
            let limit = state.options.turn_timeout.as_secs_f64();
            let message = format!("the command ran longer than {limit} s and was stopped");
            Outcome::command_failed(message, describe(status).1, &told(state, stderr))
        }
        Err(error) => {
            group.signal(Signal::SIGKILL);
            Outcome::failure(format!("the command could not be waited for: {error}"))
        }
    }
}

/// The end of what a command wrote, without secrets.
fn told(state: &State, stderr: Tail) -> String {
    match stderr.is_cut() {
        true => state.secrets.redacted_end(&stderr.into_text()),
        false => state.secrets.redacted(&stderr.into_text()),
    }
}

/// Starts a child and lists its group.
fn start(state: &State, input: &Input) -> io::Result<(Child, Group)> {
    let _starting = state.children.starting();
    let child = spawn(state, input)?;
    let leader = child.id().and_then(|id| i32::try_from(id).ok()).unwrap_or(i32::MAX);
    let group = state.children.add(leader, input.queue_id.clone());
    Ok((child, group))
}

fn spawn(state: &State, input: &Input) -> io::Result<Child> {
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg(&state.options.command)
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // First of all, so that none of them goes before what is ours.
        .envs(state.secrets.variables().iter().map(|(name, value)| (name, value.reveal())))
        .env("WORKSPACE_ID", state.options.workspace.to_string())
        .env("PLATFORM_URL", &state.options.platform);
    for name in SECRETS {
        command.env_remove(name);
    }
    let about = [
        ("A2A_CALLER", &input.caller),
        ("A2A_CONTEXT_ID", &input.context_id),
        ("A2A_MESSAGE_ID", &input.message_id),
        ("TRACEPARENT", &input.traceparent),
        ("TRACESTATE", &input.tracestate),
    ];
    for (name, value) in about {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.spawn()
}

async fn converse(
    child: &mut Child,
    group: &Group,
    text: String,
    (stdout, stderr): (&mut Head, &mut Tail),
    limit: Option<Duration>,
) -> io::Result<End> {
    let (stdin, out, err) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let pipes = async {
        tokio::join!(feed(stdin, text), read(out, |bytes| stdout.push(bytes)), read(err, |bytes| stderr.push(bytes)));
    };
    tokio::pin!(pipes);
    let mut pipes_closed = false;
    let (mut too_long, mut asked) = (false, false);
    let mut grace = GRACE;
    let limit_reached = async {
        match limit {
            Some(limit) => sleep(limit).await,
            None => std::future::pending().await,
        }
        group.signal(Signal::SIGTERM);
    };
    tokio::pin!(limit_reached);
    let asked_to_end = group.asked_to_wrap_up();
    tokio::pin!(asked_to_end);
    let grace_over = sleep(Duration::ZERO);
    tokio::pin!(grace_over);
    let mut killed = false;
    let status = loop {
        tokio::select! {
            status = child.wait() => break status?,
            () = &mut pipes, if !pipes_closed => pipes_closed = true,
            () = &mut limit_reached, if !too_long && !asked => {
                too_long = true;
                grace_over.as_mut().reset(Instant::now() + grace);
            }
            length = &mut asked_to_end, if !too_long && !asked => {
                asked = true;
                grace = length;
                group.signal(Signal::SIGTERM);
                grace_over.as_mut().reset(Instant::now() + grace);
            }
            () = &mut grace_over, if (too_long || asked) && !killed => {
                killed = true;
                group.signal(Signal::SIGKILL);
            }
        }
    };
    if !pipes_closed && timeout(DRAIN_AFTER_EXIT, &mut pipes).await.is_err() {
        debug!("the command left something running that holds its output open; killing its group");
        group.signal(Signal::SIGKILL);
        // What a killed process has written is still in the pipe; what is outside the group is not waited for.
        let _ = timeout(Duration::from_millis(200), &mut pipes).await;
    }
    Ok(match (asked, too_long) {
        (true, _) => End::WrappedUp,
        (false, true) => End::RanTooLong(status),
        (false, false) => End::Exited(status),
    })
}

/// Writes the text and closes the pipe. A command that does not read is fine.
async fn feed(stdin: Option<ChildStdin>, text: String) {
    if let Some(mut stdin) = stdin
        && let Err(error) = stdin.write_all(text.as_bytes()).await
    {
        debug!(%error, "the command did not read all of its input");
    }
}

async fn read(pipe: Option<impl AsyncRead + Unpin>, keep: impl FnMut(&[u8])) {
    if let Some(pipe) = pipe {
        drain(pipe, keep).await;
    }
}

/// What a status other than success says, and its exit code as a shell would give it.
fn describe(status: ExitStatus) -> (String, i32) {
    match (status.code(), status.signal()) {
        (Some(code), _) => (format!("command exited with code {code}"), code),
        (None, Some(signal)) => {
            let name = Signal::try_from(signal).map_or_else(|_| signal.to_string(), |signal| signal.to_string());
            (format!("command was ended by {name}"), 128 + signal)
        }
        (None, None) => ("command ended without an exit code".to_owned(), -1),
    }
}
