//! The README's tour, run as it is written.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use tests::process::{BOUND, Process, binary, eventually, free_port, workspace_root};

const SECTION: &str = "## Five-minute tour";
/// How long the whole tour may take.
const LONGEST: Duration = Duration::from_secs(120);

/// Instead of cargo: the programs are built, and starting them is what counts here.
const CARGO: &str = r#"#!/bin/sh
case "$*" in
  "run -q") exec LOCAL ;;
  "build "*) exit 0 ;;
  "run -q -p workspace-runtime -- "*) shift 5; exec RUNTIME "$@" ;;
  *) echo "the tour's cargo does not know: $*" >&2; exit 64 ;;
esac
"#;

/// The fenced blocks of the section, as language and text.
fn blocks(readme: &str) -> Vec<(String, String)> {
    let Some((_, section)) = readme.split_once(SECTION) else { return Vec::new() };
    let section = section.split("\n## ").next().unwrap_or_default();
    let fenced = section.split("```").skip(1).step_by(2);
    fenced.filter_map(|block| block.split_once('\n')).map(|(language, text)| (language.into(), text.into())).collect()
}

/// What follows the first line of the output that shows this line of the README, where … stands for anything.
fn after<'a>(output: &'a str, line: &str) -> Option<&'a str> {
    let shows = |shown: &str| {
        let mut rest = shown;
        line.split('…').all(|piece| {
            let found = rest.split_once(piece);
            found.inspect(|(_, after)| rest = after).is_some()
        })
    };
    let mut rest = output;
    while let Some((shown, after)) = rest.split_once('\n') {
        rest = after;
        if shows(shown) {
            return Some(rest);
        }
    }
    None
}

fn exists(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Everything that the script started and that still runs.
struct Group(Pid);

impl Group {
    fn is_empty(&self) -> bool {
        killpg(self.0, None).is_err()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = killpg(self.0, Signal::SIGKILL);
    }
}

fn write_cargo(folder: &Path) {
    let text = CARGO
        .replace("LOCAL", &binary("local").display().to_string())
        .replace("RUNTIME", &binary("workspace-runtime").display().to_string());
    let file = folder.join("cargo");
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
}

fn log(folder: &Path) -> String {
    ["platform.log", "alice.log", "bob.log"]
        .map(|name| format!("--- {name}\n{}\n", fs::read_to_string(folder.join(name)).unwrap_or_default()))
        .concat()
}

#[tokio::test]
async fn readme_tour_runs() {
    let readme = fs::read_to_string(workspace_root().join("README.md")).expect("README.md");
    let blocks = blocks(&readme);
    assert!(blocks.len() >= 4, "README.md has no section {SECTION:?} with sh and text blocks");
    for program in ["bash", "curl"] {
        if !exists(program) {
            // Not by println, which shows nothing of a test that passes.
            let _ =
                writeln!(std::io::stderr(), "SKIPPED: the README's tour needs {program}, which is not installed here");
            return;
        }
    }
    let of = |wanted: &'static str| blocks.iter().filter(move |(language, _)| language == wanted);
    let script: String = of("sh").map(|(_, text)| text.as_str()).collect();
    let folder = tempfile::tempdir().unwrap();
    write_cargo(folder.path());
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("bash");
    command.env_clear().env("PATH", path).env("PORT", free_port().to_string()).env("HOME", folder.path());
    command.current_dir(folder.path()).process_group(0).args(["-eu", "-c", &script]);
    let mut tour = Process::start(&mut command);
    let group = Group(Pid::from_raw(tour.id()));

    let finished = tokio::time::timeout(LONGEST, tour.ended(2 * LONGEST)).await;
    let Ok(ended) = finished else {
        let _ = kill(group.0, Signal::SIGKILL);
        panic!("the tour does not end\n{}{}\n{}", tour.stdout(), tour.log(), log(folder.path()));
    };
    let told = || format!("{}\n{}\n{}", ended.stdout, ended.stderr, log(folder.path()));
    assert_eq!(ended.code, Some(0), "{}", told());
    let mut rest = ended.stdout.as_str();
    for line in of("text").flat_map(|(_, text)| text.lines()) {
        rest = after(rest, line).unwrap_or_else(|| panic!("the tour does not show {line}\n{}", told()));
    }
    eventually("the tour leaves nothing running", BOUND, async || group.is_empty().then_some(())).await;
}
