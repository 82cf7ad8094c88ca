//! The workspace's bearer token: where it comes from, which one is used, and where a new one is kept.
//!
//! There may be three at a time. The one in use; the one in the file, which somebody may have replaced; and the one
//! the program was started with, which for a provisioned container is good for a new register when the others are lost.
//! Registration tries them in this order and the one that works becomes the one in use.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use tokio::sync::watch;
use tracing::{info, warn};

use crate::secret::Secret;

/// The tokens this program knows.
#[derive(Debug)]
pub struct Credentials {
    file: Option<PathBuf>,
    given: Option<Secret>,
    current: watch::Sender<Option<Secret>>,
}

impl Credentials {
    /// Reads the token file, if there is one. Fails if the file is there and cannot be read.
    pub fn load(file: Option<PathBuf>, given: Option<Secret>) -> io::Result<Self> {
        let given = given.filter(|token| !token.is_empty());
        let saved = file.as_deref().map_or(Ok(None), read)?;
        let current = watch::Sender::new(saved.or_else(|| given.clone()));
        Ok(Self { file, given, current })
    }

    /// The token in use.
    pub fn current(&self) -> Option<Secret> {
        self.current.borrow().clone()
    }

    /// All tokens worth trying at register, the most likely first; one `None` if there are none, since a workspace
    /// from before tokens registers without.
    pub fn candidates(&self) -> Vec<Option<Secret>> {
        let mut candidates = Vec::new();
        for token in [self.current(), self.reread(), self.given.clone()].into_iter().flatten() {
            if !candidates.contains(&Some(token.clone())) {
                candidates.push(Some(token));
            }
        }
        if candidates.is_empty() {
            candidates.push(None);
        }
        candidates
    }

    /// Whether no better token is left after this one: it is what the program was started with, or there is no such.
    pub fn is_last_resort(&self, token: Option<&Secret>) -> bool {
        self.given.is_none() || self.given.as_ref() == token
    }

    /// Makes `token` the one in use: register has just accepted it.
    pub fn adopt(&self, token: Option<&Secret>) {
        self.current.send_replace(token.cloned());
    }

    /// Makes the token that register gave the one in use and keeps it in the file. If it cannot be kept it is used all
    /// the same, and the next start falls back on the one that was given.
    pub fn save(&self, token: &Secret) {
        self.adopt(Some(token));
        let Some(file) = &self.file else { return };
        match write(file, token) {
            Ok(()) => info!(file = %file.display(), "saved the new token"),
            Err(error) => warn!(
                file = %file.display(), %error,
                "the new token could not be saved and is lost when this program ends; make the folder writable"
            ),
        }
    }

    /// After `refused` was refused: takes the file's token if that is another one. True if the token in use is now
    /// another one than the refused.
    pub fn refresh(&self, refused: Option<&Secret>) -> bool {
        if self.current().as_ref() != refused {
            return true;
        }
        match self.reread() {
            Some(saved) if Some(&saved) != refused => {
                self.adopt(Some(&saved));
                true
            }
            _ => false,
        }
    }

    fn reread(&self) -> Option<Secret> {
        let file = self.file.as_deref()?;
        read(file).unwrap_or_else(|error| {
            warn!(file = %file.display(), %error, "the token file cannot be read");
            None
        })
    }
}

fn read(file: &Path) -> io::Result<Option<Secret>> {
    match std::fs::read_to_string(file) {
        Ok(text) if text.trim().is_empty() => Ok(None),
        Ok(text) => Ok(Some(text.trim().to_owned().into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes beside the file and renames, so that a reader finds the old token or the new one and never half of one.
/// A temporary file has mode 0600 from the start.
fn write(file: &Path, token: &Secret) -> io::Result<()> {
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    writeln!(temporary, "{}", token.reveal())?;
    temporary.as_file().sync_all()?;
    temporary.persist(file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn secret(value: &str) -> Secret {
        Secret::from(value.to_owned())
    }

    #[test]
    fn the_file_goes_before_the_given_token() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "saved\n").unwrap();
        let credentials = Credentials::load(Some(file), Some(secret("given"))).unwrap();
        assert_eq!(credentials.candidates(), [Some(secret("saved")), Some(secret("given"))]);
    }

    #[test]
    fn without_any_token_one_tokenless_try_is_left() {
        let credentials = Credentials::load(None, Some(secret(""))).unwrap();
        assert_eq!(credentials.candidates(), [None]);
    }

    #[test]
    fn a_saved_token_is_private_and_replaces_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "old").unwrap();
        let credentials = Credentials::load(Some(file.clone()), None).unwrap();
        credentials.save(&secret("new"));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "new\n");
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(credentials.current(), Some(secret("new")));
    }

    #[test]
    fn a_refused_token_gives_way_to_a_newer_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        let credentials = Credentials::load(Some(file.clone()), Some(secret("given"))).unwrap();
        assert!(!credentials.refresh(Some(&secret("given"))));
        std::fs::write(&file, "newer").unwrap();
        assert!(credentials.refresh(Some(&secret("given"))));
        assert_eq!(credentials.current(), Some(secret("newer")));
        assert!(credentials.refresh(Some(&secret("given"))), "already another one");
    }
}
