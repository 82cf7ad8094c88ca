//! What a sealed value belongs to.

use rules::WorkspaceId;
use rules::secret::SecretScope;

/// Scope, owner and key of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    scope: SecretScope,
    owner: String,
    key: String,
}

impl Place {
    /// A workspace's own secret.
    pub fn workspace(id: WorkspaceId, key: &str) -> Self {
        Self { scope: SecretScope::Workspace, owner: id.to_string(), key: key.to_owned() }
    }

    /// An organisation's.
    pub fn global(org: &str, key: &str) -> Self {
        Self { scope: SecretScope::Global, owner: org.to_owned(), key: key.to_owned() }
    }

    /// Whose it is.
    pub fn scope(&self) -> SecretScope {
        self.scope
    }

    /// The workspace or organisation.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// The additional data that is authenticated with a value. Lengths first, so that no two places read alike.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let (scope, owner, key) = (self.scope.as_str(), &self.owner, &self.key);
        format!("molecule-secret-1:{scope}:{}:{owner}:{}:{key}", owner.len(), key.len()).into_bytes()
    }
}
