//! One child process. It is killed when it is dropped, and shows its log when a test fails.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{BOUND, eventually};

/// How long the end of its output may come after its own: what it started may hold the pipe for a while.
const LAST_OUTPUT: Duration = Duration::from_secs(2);

/// A child process of the test.
pub struct Process {
    child: Child,
    stdout: Output,
    stderr: Output,
}

/// How a process ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// All that it wrote to stdout.
    pub stdout: String,
    /// All that it wrote to stderr.
    pub stderr: String,
    /// How long it was waited for.
    pub took: Duration,
}

impl Process {
    /// Starts it, without input, and gathers what it writes.
    pub fn start(command: &mut Command) -> Self {
        let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = spawned.unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let stdout = Output::gather(child.stdout.take().unwrap());
        let stderr = Output::gather(child.stderr.take().unwrap());
        Self { child, stdout, stderr }
    }

    /// Waits for `ready http://…` and returns the address.
    pub async fn ready(&mut self) -> String {
        let line = eventually("a first line on stdout", BOUND, async || {
            let text = self.stdout.text();
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none() || text.contains('\n'), "it ended: {ended:?}\n{}", self.log());
            text.split_once('\n').map(|(line, _)| line.to_owned())
        });
        let line = line.await;
        line.strip_prefix("ready ").unwrap_or_else(|| panic!("unexpected line: {line}")).to_owned()
    }

    /// Its id.
    pub fn id(&self) -> i32 {
        self.child.id().try_into().unwrap()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.id()), signal).unwrap();
    }

    /// `kill -9`, and waits until it is gone.
    pub fn kill(&mut self) {
        // An error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits for its own end.
    ///
    /// # Panics
    /// It runs longer than the bound.
    pub async fn ended(&mut self, bound: Duration) -> Ended {
        let begun = Instant::now();
        let status = eventually("the end of the process", bound, async || self.child.try_wait().unwrap()).await;
        let took = begun.elapsed();
        let complete = async || (self.stdout.is_complete() && self.stderr.is_complete()).then_some(());
        let _ = tokio::time::timeout(LAST_OUTPUT, eventually("the end of its output", BOUND, complete)).await;
        Ended { code: status.code(), stdout: self.stdout.text(), stderr: self.stderr.text(), took }
    }

    /// What it wrote to stdout so far.
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// What it wrote to stderr so far.
    pub fn log(&self) -> String {
        self.stderr.text()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("--- log of process {}\n{}", self.id(), self.log());
        }
    }
}

/// A pipe that is read to its end by a thread, so that the process never waits for us.
struct Output {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Output {
    fn gather(mut pipe: impl Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&bytes);
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(length @ 1..) = pipe.read(&mut buffer) {
                kept.lock().unwrap().extend_from_slice(&buffer[..length]);
            }
        });
        Self { bytes, reader }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }

    fn is_complete(&self) -> bool {
        self.reader.is_finished()
    }
}
