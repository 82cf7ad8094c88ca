//! Secrets: sealed before they reach the store, and opened for nobody but the runtime that they are for.

use rules::WorkspaceId;
use rules::secret::{self, SecretRecord, SecretScope};

use crate::platform::Platform;
use crate::problem::Result;
use crate::sealing::{Place, Plaintext, SealError};

impl Platform {
    /// A new secret of a workspace, or of the organisation, sealed and not stored yet.
    ///
    /// # Errors
    /// 400 for the key or the value; 413; 422 `reserved_name`, `secrets_not_configured`; 503.
    pub async fn seal_secret(&self, owner: SecretOwner<'_>, key: &str, value: &str) -> Result<SecretRecord> {
        let key = secret::key(key)?;
        let value = secret::value(value)?;
        self.sealer.ready()?;
        let sealed = self.sealer.seal(&owner.place(key), value, self.entropy.nonce()).await?;
        let now = self.now();
        Ok(SecretRecord { key: key.to_owned(), sealed, created_at: now, updated_at: now })
    }

    /// The value of a stored secret.
    ///
    /// # Errors
    /// It was not sealed for this owner under the platform's key, or what keeps the key does not answer.
    pub async fn open_secret(&self, owner: SecretOwner<'_>, record: &SecretRecord) -> Result<Plaintext, SealError> {
        self.sealer.open(&owner.place(&record.key), &record.sealed).await
    }
}

/// Whose a secret is.
#[derive(Debug, Clone, Copy)]
pub enum SecretOwner<'a> {
    /// One workspace's.
    Workspace(WorkspaceId),
    /// The organisation's.
    Org(&'a str),
}

impl<'a> SecretOwner<'a> {
    /// The owner of what a workspace of `org` gets in `scope`.
    pub fn of(scope: SecretScope, id: WorkspaceId, org: &'a str) -> Self {
        match scope {
            SecretScope::Workspace => Self::Workspace(id),
            SecretScope::Global => Self::Org(org),
        }
    }

    fn place(self, key: &str) -> Place {
        match self {
            Self::Workspace(id) => Place::workspace(id, key),
            Self::Org(org) => Place::global(org, key),
        }
    }
}
