//! The programs under test. Cargo names only those of a test's own package, so they are looked for beside the test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const PROGRAMS: [&str; 2] = ["local", "workspace-runtime"];

/// The path of a program. `cargo test --workspace` has built them all; where one is missing or older than its sources,
/// both are built first, once.
pub fn binary(program: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let test = std::env::current_exe().expect("the test's own path");
        // target/<profile>/deps/<test>
        let folder = test.ancestors().nth(2).expect("a target folder").to_owned();
        if !PROGRAMS.iter().all(|program| is_current(&folder.join(program))) {
            build(&folder);
        }
        folder
    });
    folder.join(program)
}

/// The top of the repository.
pub fn workspace_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a folder above this package")
}

/// Whether the program is there and no source that cargo lists beside it is newer.
fn is_current(program: &Path) -> bool {
    let changed = |path: &Path| fs::metadata(path).and_then(|found| found.modified()).ok();
    let Some(built) = changed(program) else { return false };
    let Ok(listed) = fs::read_to_string(program.with_extension("d")) else { return false };
    let sources = listed.split_once(": ").map_or("", |(_, sources)| sources);
    sources.split_whitespace().all(|source| changed(Path::new(source)).is_some_and(|at| at <= built))
}

fn build(folder: &Path) {
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        None | Some("debug") => "dev",
        Some(name) => name,
    };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(workspace_root()).args(["build", "--quiet", "--profile", profile]);
    command.args(PROGRAMS.iter().flat_map(|program| ["--package", program]));
    command.arg("--target-dir").arg(folder.parent().expect("a target folder"));
    let status = command.status().expect("cargo starts");
    assert!(status.success(), "cargo could not build {PROGRAMS:?}");
}
