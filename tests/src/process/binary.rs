//! The programs under test. Cargo names only those of a test's own package, so they are looked for beside the test.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const PROGRAMS: [&str; 2] = ["local", "workspace-runtime"];

/// The path of a program, which is built first if it is missing or older than its sources; after `cargo test --workspace`
/// has built them, that is a look.
pub fn binary(program: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let test = std::env::current_exe().expect("the test's own path");
        // target/<profile>/deps/<test>
        let folder = test.ancestors().nth(2).expect("a target folder").to_owned();
        build(&folder);
        folder
    });
    folder.join(program)
}

/// The top of the repository.
pub fn workspace_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a folder above this package")
}

/// Takes out of a command's environment what cargo tells a test about its package. To build scripts it would be news: what
/// they build would be built anew, and once more by the next cargo that is not started by a test.
pub fn forget_package(command: &mut Command) {
    const ABOUT: [&str; 4] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_"];
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| ABOUT.iter().any(|about| name.starts_with(about))) {
            command.env_remove(name);
        }
    }
}

fn build(folder: &Path) {
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        None | Some("debug") => "test",
        Some(name) => name,
    };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    // Of the workspace: a package's own features would have most of its dependencies built anew.
    command.current_dir(workspace_root()).args(["build", "--quiet", "--workspace", "--profile", profile]);
    command.args(PROGRAMS.iter().flat_map(|program| ["--bin", program]));
    command.arg("--target-dir").arg(folder.parent().expect("a target folder"));
    forget_package(&mut command);
    let status = command.status().expect("cargo starts");
    assert!(status.success(), "cargo could not build {PROGRAMS:?}");
}
