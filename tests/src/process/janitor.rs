//! Cleans up when the test ends, however it ends: also after a panic, Ctrl-C or `kill -9`, when nothing is dropped.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Kills whatever works in a folder or below it, also what was orphaned, until nothing does, and deletes the folder. Only
/// processes of the test have such a working directory.
const FOLDER: &str = r#"
for round in 1 2 3 4 5 6 7 8 9 10; do
    left=$(ls -l /proc/[0-9]*/cwd 2> /dev/null | sed -n "s|.* /proc/\([0-9]*\)/cwd -> $1\(/.*\)\{0,1\}\$|\1|p")
    [ -n "$left" ] || break
    kill -9 $left 2> /dev/null
done
rm -rf "$1"
"#;

/// Removes what a stack has in the Docker Engine.
const STACK: &str = r#"
label="label=molecule.stack=$1"
for round in 1 2 3 4 5 6 7 8 9 10; do
    left=$(docker ps -aq --filter "$label")
    [ -n "$left" ] || break
    docker rm -fv $left
done
left=$(docker volume ls -q --filter "$label") && [ -n "$left" ] && docker volume rm -f $left
left=$(docker network ls -q --filter "$label") && [ -n "$left" ] && docker network rm $left
true
"#;

/// A shell that waits for the end of the test, in a group of its own: the terminal's Ctrl-C is not meant for it.
pub struct Janitor(Child);

impl Janitor {
    /// Of a folder in which the test's processes work.
    pub fn of_folder(folder: &Path) -> Self {
        Self::hire(FOLDER, &folder.canonicalize().unwrap().display().to_string())
    }

    /// Of a stack in the Docker Engine.
    pub fn of_stack(stack: &str) -> Self {
        Self::hire(STACK, stack)
    }

    fn hire(script: &str, argument: &str) -> Self {
        let mut shell = Command::new("sh");
        // The input ends with the test.
        shell.args(["-c", &format!("cat > /dev/null; {script}"), "janitor", argument]);
        shell.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(shell.spawn().unwrap())
    }
}

impl Drop for Janitor {
    fn drop(&mut self) {
        // Closes its input first.
        let _ = self.0.wait();
    }
}
