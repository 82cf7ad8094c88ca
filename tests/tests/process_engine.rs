//! The engine whose workspaces are children of this process: the real runtime, and scripts in its place where it has to
//! misbehave.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use platform::config::Secret;
use platform::provisioner::process::{ProcessEngine, ProcessSettings};
use platform::provisioner::{Launch, Provisioner, Running, Stop};
use rules::WorkspaceId;
use rules::engine::{Exit, StartCause};
use rules::field::WorkspaceAccess;
use rules::tier::{Tier, TierLimits};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::process::{BOUND, Janitor, Process, binary, eventually};

const BOOT: &str = "boot-credential-of-the-test";

/// A folder for the engine, and programs for it to start.
struct Bench {
    /// Ends the runtimes of a test that fails or is cut short: an engine that is dropped ends none.
    _janitor: Janitor,
    folder: TempDir,
    id: WorkspaceId,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { _janitor: Janitor::of_folder(folder.path()), folder, id: WorkspaceId::new(uuid::Uuid::new_v4()) }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("processes")
    }

    fn own(&self) -> PathBuf {
        self.data().join(self.id.to_string())
    }

    fn engine(&self, runtime: PathBuf) -> ProcessEngine {
        ProcessEngine::open(ProcessSettings { runtime, arguments: Vec::new(), folder: self.data(), command: None })
            .unwrap()
    }

    fn real(&self) -> ProcessEngine {
        self.engine(binary("workspace-runtime"))
    }

    /// An engine whose runtime is a shell script.
    fn script(&self, text: &str) -> ProcessEngine {
        let path = self.folder.path().join("runtime");
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        self.engine(path)
    }

    fn launch(&self, generation: u64) -> Launch {
        Launch {
            workspace_id: self.id,
            generation,
            runtime: "langgraph".to_owned(),
            tier: Tier::Standard,
            limits: TierLimits { memory_mb: 512, cpu_shares: 1024 },
            image: String::new(),
            command: None,
            max_concurrent_tasks: 1,
            boot_credential: Secret(BOOT.to_owned()),
            // Nobody listens there: the runtime tries again and again.
            platform_url: "http://127.0.0.1:9".to_owned(),
            workspace_dir: None,
            workspace_access: WorkspaceAccess::None,
        }
    }

    fn record(&self) -> Value {
        serde_json::from_slice(&fs::read(self.own().join("process.json")).unwrap()).unwrap()
    }

    /// The number that a script left in a file of its working directory.
    async fn number(&self, name: &str) -> i32 {
        let file = self.own().join("work").join(name);
        eventually(name, BOUND, async || fs::read_to_string(&file).ok()?.trim().parse().ok()).await
    }
}

fn runs(pid: i32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

async fn until_gone(pid: i32) {
    eventually(&format!("process {pid} is gone"), BOUND, async || (!runs(pid)).then_some(())).await;
}

async fn exit(engine: &ProcessEngine, id: WorkspaceId, generation: u64) -> Exit {
    let look = async || match engine.is_running(id, generation).await.unwrap() {
        Running::No(exit) => Some(exit),
        Running::Yes { .. } => None,
    };
    eventually("the end of the runtime", BOUND, look).await
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn a_start_gives_a_url_and_is_found_when_repeated() {
    let bench = Bench::new();
    let engine = bench.real();
    let launch = bench.launch(1);
    let started = engine.start(&launch).await.unwrap();
    let url = started.url.clone().unwrap();
    let card = reqwest::Client::builder().no_proxy().build().unwrap().get(format!("{url}/health")).send().await;
    assert_eq!(card.unwrap().status(), 200);
    assert_eq!(engine.start(&launch).await.unwrap(), started, "found, not started twice");
    assert_eq!(engine.is_running(bench.id, 1).await.unwrap(), Running::Yes { url: Some(url.clone()) });
    assert_eq!(engine.is_running(bench.id, 2).await.unwrap(), Running::No(Exit::default()));
    let listed = engine.list().await.unwrap();
    assert_eq!((listed.len(), listed[0].generation, &listed[0].instance), (1, 1, &started.instance));
    let logs = eventually("a line of the log", BOUND, async || {
        Some(engine.logs(bench.id, 50).await.unwrap()).filter(|logs| logs.contains("register failed"))
    });
    let logs = logs.await;
    assert!(!logs.contains(BOOT), "no secret in the log");
    assert_eq!(mode(&bench.own()), 0o700);
    assert_eq!(mode(&bench.own().join("log")), 0o600);
    let older = engine.start(&bench.launch(0)).await.unwrap_err();
    assert_eq!(older.cause, StartCause::Refused);
    engine.stop(bench.id, Stop::OlderThan(1)).await.unwrap();
    assert!(runs(started.instance.parse().unwrap()), "it is not older");
    engine.stop(bench.id, Stop::OlderThan(2)).await.unwrap();
    until_gone(started.instance.parse().unwrap()).await;
    assert_eq!(exit(&engine, bench.id, 1).await.code, Some(0), "SIGTERM ends it cleanly");
    engine.stop(bench.id, Stop::AndRemove).await.unwrap();
    assert!(!bench.own().exists());
}

#[tokio::test]
async fn nothing_of_the_platform_is_inherited_and_what_was_launched_is_given() {
    let bench = Bench::new();
    let engine = bench.script("env > env; echo ready http://127.0.0.1:1; exec sleep 600");
    engine.start(&bench.launch(3)).await.unwrap();
    let given = fs::read_to_string(bench.own().join("work/env")).unwrap();
    let has = |line: &str| given.lines().any(|other| other == line);
    assert!(has(&format!("WORKSPACE_ID={}", bench.id)) && has("PLATFORM_URL=http://127.0.0.1:9"), "{given}");
    assert!(has("WORKSPACE_PORT=0") && has("WORKSPACE_COMMAND=builtin:echo") && has("TIER=2"));
    assert!(has(&format!("WORKSPACE_TOKEN={BOOT}")));
    let token = fs::canonicalize(bench.own()).unwrap().join("token");
    assert!(has(&format!("WORKSPACE_TOKEN_FILE={}", token.display())));
    // Cargo sets these for the test, as a shell would an ADMIN_TOKEN.
    assert!(!given.contains("CARGO_"), "{given}");
    engine.shutdown().await;
}

#[tokio::test]
async fn a_runtime_that_ends_at_once_is_a_failed_start_with_its_last_words() {
    let bench = Bench::new();
    let engine = bench.script("echo no key is set >&2; exit 7");
    let failure = engine.start(&bench.launch(1)).await.unwrap_err();
    assert_eq!(failure.cause, StartCause::Refused);
    assert!(failure.evidence.contains("code 7") && failure.evidence.contains("no key is set"), "{}", failure.evidence);
    let missing = bench.engine(bench.folder.path().join("nowhere")).start(&bench.launch(2)).await.unwrap_err();
    assert!(missing.evidence.contains("is not there; build it"), "{}", missing.evidence);
    let mut launch = bench.launch(3);
    launch.workspace_dir = Some("/does/not/exist".to_owned());
    launch.workspace_access = WorkspaceAccess::ReadWrite;
    assert!(engine.start(&launch).await.unwrap_err().evidence.contains("is no directory"));
}

#[tokio::test]
async fn an_end_is_told_at_once_with_exit_code_and_last_lines() {
    let bench = Bench::new();
    let script = "echo ready http://127.0.0.1:1; seq 1 50; while [ ! -e go ]; do sleep 0.02; done; exit 9";
    let engine = bench.script(script);
    let mut deaths = engine.subscribe();
    engine.start(&bench.launch(4)).await.unwrap();
    fs::write(bench.own().join("work/go"), "").unwrap();
    let death = tokio::time::timeout(BOUND, deaths.recv()).await.unwrap().unwrap();
    assert_eq!((death.workspace_id, death.generation, death.exit.code), (bench.id, 4, Some(9)));
    let last: Vec<_> = (31..=50).map(|number| number.to_string()).collect();
    assert_eq!(death.exit.log_tail, last.join("\n"));
    assert_eq!(exit(&engine, bench.id, 4).await, death.exit);
    assert_eq!(exit(&bench.real(), bench.id, 4).await, death.exit, "a next platform knows it too");
}

#[tokio::test]
async fn a_mebibyte_of_output_blocks_nobody_and_a_log_is_bounded() {
    let bench = Bench::new();
    let script = "echo ready http://127.0.0.1:1; head -c 1048576 /dev/zero | tr '\\0' e >&2; echo written > done; \
                  head -c 9000000 /dev/zero | tr '\\0' '\\n'; echo the end; echo 1 > all; exec sleep 600";
    let engine = bench.script(script);
    engine.start(&bench.launch(1)).await.unwrap();
    bench.number("all").await;
    assert!(bench.own().join("work/done").exists());
    let log = bench.own().join("log");
    let small = async || (fs::metadata(&log).unwrap().len() < 4 << 20).then_some(());
    eventually("the log is cut", BOUND, small).await;
    assert_eq!(engine.logs(bench.id, 1).await.unwrap(), "the end");
    engine.shutdown().await;
}

#[tokio::test]
async fn a_workspace_over_its_memory_limit_is_killed_whole_and_says_so() {
    let bench = Bench::new();
    let script = "echo ready http://127.0.0.1:1; set -m; \
                  sh -c 'echo $$ > eater; x=$(head -c 200000000 /dev/zero | tr \"\\0\" x); sleep 600' & wait";
    let engine = bench.script(script);
    let mut deaths = engine.subscribe();
    let mut launch = bench.launch(1);
    launch.limits.memory_mb = 64;
    let started = engine.start(&launch).await.unwrap();
    let death = tokio::time::timeout(BOUND, deaths.recv()).await.unwrap().unwrap();
    assert!(death.exit.out_of_memory, "{:?}", death.exit);
    assert_eq!(death.exit.code, Some(137));
    assert!(death.exit.message.contains("of 64 MiB allowed"), "{:?}", death.exit);
    assert!(death.exit.evidence(launch.tier, launch.limits).starts_with("out of memory at 64 MiB"));
    until_gone(started.instance.parse().unwrap()).await;
    until_gone(bench.number("eater").await).await;
}

/// Deaf to SIGTERM, with one child in a group of its own and a child of that in another.
const DEAF: &str = "echo ready http://127.0.0.1:1; trap '' TERM; set -m; \
                    sh -c 'set -m; sleep 600 & echo $! > inner; wait' & echo $! > outer; while :; do sleep 0.1; done";

#[tokio::test]
async fn a_stop_reaches_what_ignores_sigterm_and_grandchildren_in_other_groups() {
    let bench = Bench::new();
    let engine = bench.script(DEAF);
    let mut deaths = engine.subscribe();
    let started = engine.start(&bench.launch(1)).await.unwrap();
    let (outer, inner) = (bench.number("outer").await, bench.number("inner").await);
    let begun = Instant::now();
    engine.stop(bench.id, Stop::All).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(3), "it had its grace");
    for pid in [started.instance.parse().unwrap(), outer, inner] {
        until_gone(pid).await;
    }
    assert!(deaths.try_recv().is_err(), "a stop that was asked for is no news");
    let Running::No(exit) = engine.is_running(bench.id, 1).await.unwrap() else { panic!("it runs") };
    assert!(exit.stopped, "{exit:?}");
    assert!(bench.own().exists(), "what it has stored stays");
    engine.stop(bench.id, Stop::AndReset).await.unwrap();
    assert_eq!(fs::read_dir(bench.own()).unwrap().count(), 0);
}

/// The platform is killed and comes back on the same folder.
#[tokio::test]
async fn a_next_platform_adopts_what_still_runs() {
    let bench = Bench::new();
    let engine = bench.real();
    let started = engine.start(&bench.launch(5)).await.unwrap();
    drop(engine);
    let engine = bench.real();
    let pid: i32 = started.instance.parse().unwrap();
    assert!(runs(pid));
    assert_eq!(engine.is_running(bench.id, 5).await.unwrap(), Running::Yes { url: started.url.clone() });
    assert_eq!(engine.start(&bench.launch(5)).await.unwrap(), started, "found, not started twice");
    assert!(engine.logs(bench.id, 50).await.unwrap().contains("ready http://"));
    assert_eq!(engine.list().await.unwrap().len(), 1);
    let mut deaths = engine.subscribe();
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    let death = tokio::time::timeout(BOUND, deaths.recv()).await.unwrap().unwrap();
    assert_eq!((death.generation, death.exit.code), (5, None), "it was no child of this one");
    // And one that is adopted can be stopped.
    let started = engine.start(&bench.launch(6)).await.unwrap();
    drop(engine);
    let engine = bench.real();
    engine.stop(bench.id, Stop::All).await.unwrap();
    until_gone(started.instance.parse().unwrap()).await;
}

#[tokio::test]
async fn a_process_under_a_reused_id_is_never_touched() {
    let bench = Bench::new();
    let stranger = Process::start(std::process::Command::new("sleep").arg("600"));
    fs::create_dir_all(bench.own()).unwrap();
    let record =
        json!({ "pid": stranger.id(), "started": 1_000_000_000, "generation": 1, "url": "http://127.0.0.1:1" });
    fs::write(bench.own().join("process.json"), record.to_string()).unwrap();
    let engine = bench.real();
    assert!(matches!(engine.is_running(bench.id, 1).await.unwrap(), Running::No(_)));
    engine.stop(bench.id, Stop::AndRemove).await.unwrap();
    engine.shutdown().await;
    assert!(runs(stranger.id()), "it is somebody else's");
}

#[tokio::test]
async fn a_record_that_is_broken_stands_in_nobodys_way() {
    let bench = Bench::new();
    fs::create_dir_all(bench.own()).unwrap();
    fs::write(bench.own().join("process.json"), "{\"pid\":").unwrap();
    let engine = bench.real();
    engine.start(&bench.launch(1)).await.unwrap();
    assert_eq!(bench.record()["generation"], 1);
    engine.shutdown().await;
    assert!(matches!(engine.is_running(bench.id, 1).await.unwrap(), Running::No(_)));
    assert_eq!(engine.start(&bench.launch(2)).await.unwrap_err().cause, StartCause::EngineUnreachable);
}
