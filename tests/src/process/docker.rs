//! This machine's Docker Engine: the images of a test, and what is there in the end.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use super::binary::forget_package;
use super::{Janitor, workspace_root};

/// The agent runtime and nothing else.
pub const IMAGE: &str = "molecule-workspace:latest";
/// The same with a shell.
pub const TEST_IMAGE: &str = "molecule-workspace-test:latest";

/// The name of a platform in the Engine. What bears it is removed with this.
pub struct Stack {
    /// The name.
    pub name: String,
    _janitor: Janitor,
}

impl Stack {
    /// A new one, with the images built; none where no Engine answers, which is told.
    pub fn new() -> Option<Self> {
        static READY: OnceLock<bool> = OnceLock::new();
        if !READY.get_or_init(|| engine_answers() && build_images()) {
            eprintln!("SKIPPED: no Docker Engine answers");
            return None;
        }
        let name = format!("test-{:08x}", rand::random::<u32>());
        Some(Self { _janitor: Janitor::of_stack(&name), name })
    }

    /// The filter for all that is the stack's.
    pub fn label(&self) -> String {
        format!("label=molecule.stack={}", self.name)
    }

    /// Everything that the stack has: containers, volumes, networks.
    pub fn left(&self) -> String {
        [&["ps", "-aq"][..], &["volume", "ls", "-q"], &["network", "ls", "-q"]]
            .map(|what| docker(&[what, &["--filter", &self.label()]].concat()))
            .concat()
    }
}

/// An image that runs a shell script instead of the runtime.
pub fn shell_image(name: &str, script: &str) -> String {
    let image = format!("molecule-workspace-test:{name}");
    let entrypoint = serde_json::json!(["/bin/sh", "-c", script]);
    let dockerfile = format!("FROM molecule-workspace-test\nENTRYPOINT {entrypoint}\n");
    let mut build = Command::new("docker");
    build
        .args(["build", "--quiet", "--tag", &image, "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut build = build.spawn().unwrap();
    build.stdin.take().unwrap().write_all(dockerfile.as_bytes()).unwrap();
    assert!(build.wait().unwrap().success(), "{image} is built");
    image
}

/// What the command line client prints.
pub fn docker(arguments: &[&str]) -> String {
    let output = Command::new("docker").args(arguments).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn engine_answers() -> bool {
    let output = Command::new("docker").args(["version", "--format", "{{.Server.Version}}"]).output();
    output.is_ok_and(|output| output.status.success())
}

/// Builds what is absent or older than its sources.
fn build_images() -> bool {
    let test = std::env::current_exe().unwrap();
    // target/<profile>/deps/<test>
    let target: PathBuf = test.ancestors().nth(3).unwrap().to_owned();
    let mut script = Command::new(workspace_root().join("infra/workspace/image.sh"));
    forget_package(&mut script);
    let status = script.arg("--test").env("CARGO_TARGET_DIR", target).stdout(Stdio::null()).status().unwrap();
    assert!(status.success(), "infra/workspace/image.sh builds the images");
    true
}
