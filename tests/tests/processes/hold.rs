//! Holds an agent's command until the test lets it go on.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;
use tests::process::{BOUND, eventually};

/// Commands that wait here end with the test at the latest.
pub(crate) struct Hold {
    folder: TempDir,
}

impl Hold {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A command that notes its message, waits to be let go, and answers `did` with the message.
    pub(crate) fn command(&self) -> String {
        let folder = self.folder.path().display();
        format!(
            "text=$(cat); echo \"$text\" >> {folder}/began; \
             while [ -d {folder} ] && [ ! -e {folder}/open ]; do sleep 0.02; done; printf 'did %s' \"$text\""
        )
    }

    /// Lets all commands go on, also those that come later.
    pub(crate) fn release(&self) {
        fs::write(self.file("open"), "").unwrap();
    }

    /// The messages whose commands began, in that order.
    pub(crate) fn began(&self) -> Vec<String> {
        let text = fs::read_to_string(self.file("began")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Waits until a command has begun.
    pub(crate) async fn until_begun(&self) {
        eventually("a command begins", BOUND, async || (!self.began().is_empty()).then_some(())).await;
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}
