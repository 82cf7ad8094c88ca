//! The directory of the host that a workspace works in.

use serde::{Deserialize, Serialize};

use super::{FieldError, line};

/// The most bytes of a path on the host: what Linux takes.
pub const MAX_PATH_BYTES: usize = 4096;

/// Directories whose content belongs to the host. Mounting one hands the host to the agent.
pub(super) const HOST_DIRECTORIES: [&str; 12] =
    ["etc", "var", "proc", "sys", "dev", "boot", "sbin", "bin", "lib", "lib64", "usr", "run"];

/// What a workspace may do with its `workspace_dir`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WorkspaceAccess {
    /// The directory is not mounted.
    #[default]
    None,
    /// Mounted, and cannot be written.
    ReadOnly,
    /// Mounted.
    ReadWrite,
}

impl WorkspaceAccess {
    /// The string of storage and wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ReadOnly => "read_only",
            Self::ReadWrite => "read_write",
        }
    }
}

/// A directory of the host to mount: absolute, without `..`, and not one that belongs to the host. The answer is
/// without doubled and trailing slashes.
///
/// # Errors
///
/// Any other path. `:` is refused because container engines read it as the end of the path.
pub fn workspace_dir(text: &str) -> Result<String, FieldError> {
    const FIELD: &str = "workspace_dir";
    let text = line(FIELD, text, MAX_PATH_BYTES)?;
    if !text.starts_with('/') {
        return Err(FieldError::new(FIELD, "must be an absolute path"));
    }
    if text.contains(':') {
        return Err(FieldError::new(FIELD, "must not contain `:`"));
    }
    let parts: Vec<&str> = text.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if parts.contains(&"..") {
        return Err(FieldError::new(FIELD, "must not contain `..`"));
    }
    match parts.first() {
        None => Err(FieldError::new(FIELD, "must not be the root directory")),
        Some(first) if HOST_DIRECTORIES.contains(first) => {
            Err(FieldError::new(FIELD, format!("must not lie under /{}", HOST_DIRECTORIES.join(", /"))))
        }
        Some(_) => Ok(format!("/{}", parts.join("/"))),
    }
}

/// Checks that a directory is there to be read or written. A directory without access is stored and not mounted.
///
/// # Errors
///
/// Access without a directory.
pub fn workspace_access(access: WorkspaceAccess, dir: Option<&str>) -> Result<(), FieldError> {
    if access != WorkspaceAccess::None && dir.is_none_or(str::is_empty) {
        let problem = format!("{} needs a workspace_dir", access.as_str());
        return Err(FieldError::new("workspace_access", problem));
    }
    Ok(())
}
