//! A provisioner that starts nothing and remembers what it was asked for.

use std::sync::Mutex;

use futures::future::BoxFuture;
use platform::Result;
use platform::provisioner::Provisioner;
use rules::workspace::Workspace;

/// What was asked for, oldest first: `start <id>`, `restart <id>`.
#[derive(Debug, Default)]
pub struct Recorder(Mutex<Vec<String>>);

impl Recorder {
    /// All that was asked for so far.
    pub fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    fn note(&self, what: &str, workspace: &Workspace) {
        self.0.lock().unwrap().push(format!("{what} {}", workspace.id));
    }
}

impl Provisioner for Recorder {
    fn start<'a>(&'a self, workspace: &'a Workspace) -> BoxFuture<'a, Result<()>> {
        self.note("start", workspace);
        Box::pin(async { Ok(()) })
    }

    fn restart<'a>(&'a self, workspace: &'a Workspace, _: &'a str) -> BoxFuture<'a, Result<()>> {
        self.note("restart", workspace);
        Box::pin(async { Ok(()) })
    }
}
