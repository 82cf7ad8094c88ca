//! Secrets: values that an operator or a workspace leaves with the platform for the workspace's runtime. They become
//! environment variables there, so their keys are names of variables; those of the platform's own are nobody's to set.

mod redaction;
mod reserved;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::status::Status;
use crate::time::Timestamp;
use crate::workspace::Workspace;

pub use redaction::{redact, redact_end};
pub use reserved::is_reserved;

/// The longest key, in bytes.
pub const MAX_KEY_BYTES: usize = 128;
/// The longest value, in bytes.
pub const MAX_VALUE_BYTES: usize = 64 * 1024;
/// How many secrets a workspace may have of its own, and how many an organisation may have for all.
pub const MAX_SECRETS: usize = 100;
/// How many a workspace may be created with.
pub const MAX_AT_CREATION: usize = 50;
/// What the stored forms of one scope may come to, in bytes: both scopes together must fit into one answer of a function.
pub const MAX_STORED_BYTES: usize = 2 * 1024 * 1024;
/// The secret that says which model a workspace's agent uses.
pub const MODEL_KEY: &str = "MODEL_PROVIDER";

/// Whose a secret is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SecretScope {
    /// The organisation's: every workspace gets it that has none of its own by that key.
    Global,
    /// One workspace's.
    Workspace,
}

impl SecretScope {
    /// As the API spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Workspace => "workspace",
        }
    }
}

/// A secret as it is stored: its value is sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretRecord {
    /// The name of the variable.
    pub key: String,
    /// The sealed value; opens only for this key of this owner.
    pub sealed: String,
    /// When the key was first stored.
    pub created_at: Timestamp,
    /// When the value was last stored.
    pub updated_at: Timestamp,
}

impl SecretRecord {
    /// As it is stored where one of `others` had its key before.
    #[must_use]
    pub fn in_place_of(mut self, others: &[SecretRecord]) -> Self {
        if let Some(before) = others.iter().find(|other| other.key == self.key) {
            self.created_at = before.created_at;
        }
        self
    }
}

/// Why a secret is not stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretRefusal {
    /// The key is no name of a variable.
    #[error("a key begins with a letter or _, and has at most 128 letters, digits and _")]
    Key,
    /// The key is the platform's own.
    #[error("{0} is a name of the platform's own variables; choose another one")]
    Reserved(String),
    /// The value is empty, or holds what no variable can.
    #[error("a value must have at least one character and no NUL; delete the secret to be rid of it")]
    Value,
    /// The value is too long.
    #[error("a value may have at most 65536 bytes")]
    TooLong,
    /// There are too many.
    #[error("at most {0} secrets; delete one first")]
    TooMany(usize),
    /// They are too large together.
    #[error("all secrets together may take 2 MiB in their stored form; delete one first")]
    TooMuch,
}

/// A key that may be stored.
///
/// # Errors
/// It is no name of a variable, or one of the platform's own.
pub fn key(text: &str) -> Result<&str, SecretRefusal> {
    if !is_name(text) {
        return Err(SecretRefusal::Key);
    }
    if is_reserved(text) {
        return Err(SecretRefusal::Reserved(text.to_owned()));
    }
    Ok(text)
}

/// `^[A-Za-z_][A-Za-z0-9_]{0,127}$`.
pub fn is_name(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    text.len() <= MAX_KEY_BYTES
        && text.bytes().next().is_some_and(letter)
        && text.bytes().all(|byte| letter(byte) || byte.is_ascii_digit())
}

/// A value that may be stored.
///
/// # Errors
/// Empty, too long, or with a NUL, which no variable can hold.
pub fn value(text: &str) -> Result<&str, SecretRefusal> {
    if text.is_empty() || text.contains('\0') {
        return Err(SecretRefusal::Value);
    }
    if text.len() > MAX_VALUE_BYTES {
        return Err(SecretRefusal::TooLong);
    }
    Ok(text)
}

/// Whether `new` may stand beside, or in place of, the others of its scope.
///
/// # Errors
/// There would be too many, or too much.
pub fn room(others: &[SecretRecord], new: &SecretRecord) -> Result<(), SecretRefusal> {
    let rest = others.iter().filter(|other| other.key != new.key);
    let (count, bytes) =
        rest.fold((1, new.sealed.len()), |(count, bytes), other| (count + 1, bytes + other.sealed.len()));
    if count > MAX_SECRETS {
        return Err(SecretRefusal::TooMany(MAX_SECRETS));
    }
    if bytes > MAX_STORED_BYTES {
        return Err(SecretRefusal::TooMuch);
    }
    Ok(())
}

/// Whether a change of the organisation's secrets makes the workspace start anew: it may run, and the platform starts it.
pub fn gets_global_changes(workspace: &Workspace) -> bool {
    !workspace.is_external() && !matches!(workspace.status, Status::Removed | Status::Paused)
}

/// What a workspace gets, by key: its own secrets, and the organisation's under keys that it has not itself.
pub fn merge(
    global: impl IntoIterator<Item = SecretRecord>,
    own: impl IntoIterator<Item = SecretRecord>,
) -> BTreeMap<String, (SecretScope, SecretRecord)> {
    let scoped = |scope: SecretScope| move |record: SecretRecord| (record.key.clone(), (scope, record));
    let global = global.into_iter().map(scoped(SecretScope::Global));
    global.chain(own.into_iter().map(scoped(SecretScope::Workspace))).collect()
}
