//! The real program under test, and a client of it.

use std::{
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};

use crate::platform::{BOUND, INBOUND, Platform};

pub const WORKSPACE: &str = "6b1f5a0e-8d7c-4a51-9a64-0a4f0b7f7c11";
pub const TOKEN: &str = "token-of-the-test";

/// A running program. Its log is shown when the test fails.
pub struct Agent {
    pub url: String,
    child: Child,
    rest_of_stdout: Option<BufReader<tokio::process::ChildStdout>>,
    log: Arc<Mutex<String>>,
}

/// The program with what every test gives it; the token comes by its variable.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_workspace-runtime"));
    command
        .env_remove("RUST_LOG")
        .kill_on_drop(true)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

impl Agent {
    /// Starts it with a token and waits until it says that it is ready.
    pub async fn start(platform: &Platform, command: &str, more: &[&str]) -> Self {
        Self::start_with(&platform.url, command, more, Some(TOKEN)).await
    }

    pub async fn start_with(platform_url: &str, command: &str, more: &[&str], token: Option<&str>) -> Self {
        let mut program = program();
        program.args(["--platform", platform_url, "--workspace", WORKSPACE, "--port", "0", "--command", command]);
        program.args(more);
        if let Some(token) = token {
            program.env("WORKSPACE_TOKEN", token);
        }
        Self::launch(program).await
    }

    /// Starts a program that was prepared, and waits until it says that it is ready.
    pub async fn launch(mut program: Command) -> Self {
        let mut child = program.spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines();
        let kept = Arc::clone(&log);
        tokio::spawn(async move {
            while let Ok(Some(line)) = stderr.next_line().await {
                kept.lock().unwrap().extend([&line, "\n"]);
            }
        });
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        timeout(BOUND, stdout.read_line(&mut line)).await.unwrap().unwrap();
        let url = line.trim_end().strip_prefix("ready ").expect("the line that says it is ready").to_owned();
        Self { url, child, rest_of_stdout: Some(stdout), log }
    }

    /// Starts it and waits until it is registered.
    pub async fn start_registered(platform: &Platform, command: &str, more: &[&str]) -> Self {
        let agent = Self::start(platform, command, more).await;
        platform.wait_until_registered().await;
        agent
    }

    pub fn id(&self) -> u32 {
        self.child.id().expect("still running")
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.id()).unwrap()), signal).unwrap();
    }

    /// Waits for its end; everything that it still wrote to stdout must be nothing.
    pub async fn ended(&mut self) -> ExitStatus {
        let status = timeout(BOUND, self.child.wait()).await.expect("an end within the bound").unwrap();
        let mut rest = String::new();
        self.rest_of_stdout.take().unwrap().read_to_string(&mut rest).await.unwrap();
        assert_eq!(rest, "", "stdout has exactly one line");
        status
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub async fn get(&self, path: &str) -> Response {
        client().get(format!("{}{path}", self.url)).send().await.unwrap()
    }

    /// A POST with the right bearer.
    pub fn post(&self, body: &Value) -> RequestBuilder {
        client().post(&self.url).bearer_auth(INBOUND).json(body)
    }

    /// Sends a message and waits for the JSON-RPC answer.
    pub async fn send(&self, body: &Value) -> Value {
        let response = timeout(BOUND, self.post(body).send()).await.expect("an answer within the bound").unwrap();
        assert_eq!(response.status(), 200);
        response.json().await.unwrap()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- log of the program\n{}", self.log());
        }
    }
}

pub fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// A 0.3 message.
pub fn message(id: &str, text: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": "r1", "method": "message/send", "params": {"message": {
        "kind": "message", "role": "user", "messageId": id, "contextId": "c1",
        "parts": [{"kind": "text", "text": text}],
    }}})
}

pub fn text_of(response: &Value) -> &str {
    response["result"]["parts"][0]["text"].as_str().unwrap_or_else(|| panic!("no text in {response:#}"))
}

/// Holds a command back until the test lets it go on. A command never outlives the test for long: it ends with the
/// folder.
pub struct Gate {
    folder: TempDir,
}

impl Gate {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Shell code that notes its start and then waits until the gate is open.
    pub fn wait(&self) -> String {
        let folder = self.path().display();
        format!("echo x >> {folder}/starts; while [ -d {folder} ] && [ ! -e {folder}/open ]; do sleep 0.02; done")
    }

    pub fn open(&self) {
        std::fs::write(self.file("open"), "").unwrap();
    }

    /// How many commands have come to the gate.
    pub fn starts(&self) -> usize {
        std::fs::read_to_string(self.file("starts")).unwrap_or_default().lines().count()
    }

    pub async fn until_started(&self) {
        until("a command starts", || self.starts() > 0).await;
    }
}

/// Waits, within the bound, until something is so.
pub async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let waited = timeout(BOUND, async {
        while !is_so() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    });
    assert!(waited.await.is_ok(), "it was waited in vain until {what}");
}
