//! The data directory: who may use it, and the operator's token in it.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use platform::entropy::Entropy;
use platform::sealing::parse_key;

use crate::error::StartError;

/// A data directory that is ours until this is dropped.
#[derive(Debug)]
pub struct DataDirectory {
    path: PathBuf,
    /// Held, not read: the system frees the lock with the process, however that ends.
    _lock: File,
}

impl DataDirectory {
    /// Makes the directory if there is none, for its owner only, and locks it.
    ///
    /// # Errors
    /// It cannot be used, or another platform uses it.
    pub fn open(path: &Path) -> Result<Self, StartError> {
        let unusable = |error| unusable(path, &error);
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(unusable)?;
        let lock = owner_only().truncate(false).open(path.join("lock")).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(StartError::DataInUse { path: path.to_owned() }),
            Err(TryLockError::Error(error)) => Err(unusable(error)),
        }
    }

    /// The file of the embedded DynamoDB. It is made here for its owner only; the files that SQLite puts beside it have
    /// its mode.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn database(&self) -> Result<PathBuf, StartError> {
        let path = self.path.join("dynamodb.sqlite");
        owner_only().truncate(false).open(&path).map_err(|error| unusable(&self.path, &error))?;
        Ok(path)
    }

    /// Where the children of the process engine have their folders.
    pub fn processes(&self) -> PathBuf {
        self.path.join("processes")
    }

    /// A name that tells what this platform makes on a shared engine from what others make there; made at the first start.
    ///
    /// # Errors
    /// It cannot be read or written.
    pub fn stack(&self) -> Result<String, StartError> {
        let path = self.path.join("stack");
        match fs::read_to_string(&path) {
            Ok(text) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
            Ok(_) | Err(_) => {
                let stack = format!("molecule-{}", &Entropy::system().uuid().simple().to_string()[..8]);
                self.write(&path, &stack).map_err(|error| unusable(&self.path, &error))?;
                Ok(stack)
            }
        }
    }

    /// The operator's token, made at the first start and kept for all others.
    ///
    /// # Errors
    /// It cannot be read or written.
    pub fn admin_token(&self, entropy: &Entropy) -> Result<String, StartError> {
        let path = self.path.join("admin-token");
        self.kept(&path, entropy).map_err(|problem| StartError::AdminToken { path, problem })
    }

    /// The key of the stored secrets, 32 bytes as base64, made at the first start and kept for all others: the value of
    /// `SECRETS_ENCRYPTION_KEY`, unless that is set.
    ///
    /// # Errors
    /// It cannot be read or written, or is none.
    pub fn secrets_key(&self, entropy: &Entropy) -> Result<String, StartError> {
        let path = self.path.join("secrets-key");
        let key = self.kept(&path, entropy).and_then(|key| match parse_key(&key) {
            Some(_) => Ok(key),
            None => Err("it is not 32 bytes as base64".to_owned()),
        });
        key.map_err(|problem| StartError::SecretsKey { path, problem })
    }

    /// Writes a file for the owner's other programs, anew at each start.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn give(&self, name: &str, text: &str) -> Result<(), StartError> {
        self.write(&self.path.join(name), text.trim_end()).map_err(|error| unusable(&self.path, &error))
    }

    /// Removes such a file of an earlier start.
    ///
    /// # Errors
    /// It is there and cannot be removed.
    pub fn take_back(&self, name: &str) -> Result<(), StartError> {
        match fs::remove_file(self.path.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unusable(&self.path, &error)),
            _ => Ok(()),
        }
    }

    /// The 256 bits in a file, made if there is none.
    fn kept(&self, path: &Path, entropy: &Entropy) -> Result<String, String> {
        match fs::read_to_string(path) {
            Ok(text) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
            Ok(_) => Err("it is empty".to_owned()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let made = entropy.secret();
                self.write(path, &made).map_err(|error| error.to_string())?;
                Ok(made)
            }
            Err(error) => Err(error.to_string()),
        }
    }

    /// Whole or not at all, so that a crash leaves no half of it.
    fn write(&self, path: &Path, text: &str) -> io::Result<()> {
        let draft = path.with_extension("new");
        let mut file = owner_only().truncate(true).open(&draft)?;
        writeln!(file, "{text}")?;
        file.sync_all()?;
        fs::rename(&draft, path)
    }
}

fn unusable(path: &Path, error: &io::Error) -> StartError {
    StartError::DataDirectory { path: path.to_owned(), problem: error.to_string() }
}

fn owner_only() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).mode(0o600);
    options
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_new_directory_and_its_token_are_the_owners_alone() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/b");
        let data = DataDirectory::open(&path).unwrap();
        let token = data.admin_token(&Entropy::system()).unwrap();
        assert_eq!(token.len(), 43);
        assert_eq!(mode(&path), 0o700);
        assert_eq!(mode(&path.join("admin-token")), 0o600);
    }

    #[test]
    fn the_token_is_made_once() {
        let directory = tempfile::tempdir().unwrap();
        let first = DataDirectory::open(directory.path()).unwrap().admin_token(&Entropy::system()).unwrap();
        let second = DataDirectory::open(directory.path()).unwrap().admin_token(&Entropy::system()).unwrap();
        assert_eq!(first, second);
    }

    #[test]
    fn the_key_of_secrets_is_the_owners_alone_and_made_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secrets-key");
        let data = DataDirectory::open(directory.path()).unwrap();
        let first = data.secrets_key(&Entropy::system()).unwrap();
        assert!(parse_key(&first).is_some());
        assert_eq!(mode(&path), 0o600);
        assert_eq!(data.secrets_key(&Entropy::system()).unwrap(), first);
        for broken in ["", "no key"] {
            fs::write(&path, broken).unwrap();
            let refused = data.secrets_key(&Entropy::system()).unwrap_err();
            assert!(matches!(&refused, StartError::SecretsKey { .. }), "{refused}");
            assert!(broken.is_empty() || !refused.to_string().contains(broken), "{refused}");
        }
    }

    #[test]
    fn an_empty_token_file_is_an_error_and_not_an_empty_token() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("admin-token"), "\n").unwrap();
        let data = DataDirectory::open(directory.path()).unwrap();
        assert!(matches!(data.admin_token(&Entropy::system()), Err(StartError::AdminToken { .. })));
    }

    #[test]
    fn one_platform_at_a_time_has_the_directory() {
        let directory = tempfile::tempdir().unwrap();
        let held = DataDirectory::open(directory.path()).unwrap();
        assert!(matches!(DataDirectory::open(directory.path()), Err(StartError::DataInUse { .. })));
        drop(held);
        DataDirectory::open(directory.path()).unwrap();
    }
}
