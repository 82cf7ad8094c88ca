//! What a workspace has on the disk: its record, its log, its token and a place to work, in a folder that is the
//! platform's user's only.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rules::WorkspaceId;
use rules::engine::Exit;
use serde::{Deserialize, Serialize};

/// A log that is longer is cut to its end at the watcher's next look.
const LOG_LIMIT: u64 = 4 * 1024 * 1024;
/// What is kept of it, and the most that is read.
const LOG_KEPT: u64 = 256 * 1024;
/// Longest line that is shown of what somebody else wrote, in characters.
const LONGEST_LINE: usize = 1000;

/// The newest runtime of a workspace, as `process.json` keeps it for the next platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// Its process.
    pub(super) pid: i32,
    /// When that started, in seconds since 1970.
    pub(super) started: u64,
    /// Which start of the workspace it is.
    pub(super) generation: u64,
    /// Where it listens, once it said so.
    #[serde(default)]
    pub(super) url: Option<String>,
    /// What it may hold together with all that it starts, in MiB; 0 for no limit.
    #[serde(default)]
    pub(super) memory_mb: u32,
    /// How it ended.
    #[serde(default)]
    pub(super) exit: Option<Exit>,
}

/// The folder of one workspace.
#[derive(Debug, Clone)]
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn of(parent: &Path, id: WorkspaceId) -> Self {
        Self(parent.join(id.to_string()))
    }

    /// Makes it, and an empty log.
    pub(super) fn prepare(&self) -> io::Result<File> {
        private(&self.0)?;
        private(&self.work())?;
        // A new file, so that a writer of the old one does not write into it.
        remove(fs::remove_file(self.log()))?;
        OpenOptions::new().create_new(true).append(true).mode(0o600).open(self.log())
    }

    /// Where its commands run.
    pub(super) fn work(&self) -> PathBuf {
        self.0.join("work")
    }

    /// Where the runtime keeps its token.
    pub(super) fn token(&self) -> PathBuf {
        self.0.join("token")
    }

    fn log(&self) -> PathBuf {
        self.0.join("log")
    }

    /// The record, if there is one.
    pub(super) fn record(&self) -> io::Result<Option<Record>> {
        match fs::read(self.0.join("process.json")) {
            Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Stores the record: a reader finds the old one or the new one.
    pub(super) fn store(&self, record: &Record) -> io::Result<()> {
        let new = self.0.join("process.json.new");
        let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(&serde_json::to_vec(record)?)?;
        fs::rename(new, self.0.join("process.json"))
    }

    /// Where the runtime says that it listens.
    pub(super) fn ready_url(&self) -> io::Result<Option<String>> {
        let mut head = Vec::new();
        File::open(self.log())?.take(LOG_KEPT).read_to_end(&mut head)?;
        let text = String::from_utf8_lossy(&head);
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let url = whole.lines().find_map(|line| line.strip_prefix("ready ").filter(|url| url.starts_with("http://")));
        Ok(url.map(|url| url.trim().to_owned()))
    }

    /// The last lines of the log; nothing if there is none.
    pub(super) fn tail(&self, lines: usize) -> io::Result<String> {
        let bytes = match File::open(self.log()) {
            Ok(mut file) => end_of(&mut file)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
            Err(error) => return Err(error),
        };
        let text = String::from_utf8_lossy(&bytes);
        let all: Vec<_> = text.lines().collect();
        let last = &all[all.len().saturating_sub(lines)..];
        Ok(last.iter().map(|line| rules::field::capped(line, LONGEST_LINE)).collect::<Vec<_>>().join("\n"))
    }

    /// Cuts a log that grew too long to its end. Writers append, so they go on behind what is kept; a line that comes
    /// between the reading and the cutting is lost.
    pub(super) fn trim_log(&self) -> io::Result<()> {
        if fs::metadata(self.log())?.len() <= LOG_LIMIT {
            return Ok(());
        }
        let mut file = OpenOptions::new().read(true).append(true).open(self.log())?;
        let kept = end_of(&mut file)?;
        file.set_len(0)?;
        file.write_all(b"(the log was cut here)\n")?;
        file.write_all(&kept)
    }

    /// Deletes what is in it.
    pub(super) fn reset(&self) -> io::Result<()> {
        let entries = match fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let deleted = if entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())
            } else {
                fs::remove_file(entry.path())
            };
            remove(deleted)?;
        }
        Ok(())
    }

    /// Deletes it.
    pub(super) fn delete(&self) -> io::Result<()> {
        remove(fs::remove_dir_all(&self.0))
    }
}

/// Makes a folder that only this user can enter.
pub(super) fn private(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    fs::set_permissions(folder, Permissions::from_mode(0o700))
}

fn end_of(file: &mut File) -> io::Result<Vec<u8>> {
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LOG_KEPT)))?;
    let mut end = Vec::new();
    file.take(LOG_KEPT).read_to_end(&mut end)?;
    Ok(end)
}

/// What is not there need not be removed.
fn remove(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}
