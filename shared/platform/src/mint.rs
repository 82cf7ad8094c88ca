//! Making a token. The secret is shown once, by whoever asked; what is stored is its digest.

use rules::TokenId;
use rules::credential::{Token, TokenKind};
use rules::workspace::Workspace;

use crate::entropy::digest;
use crate::platform::Platform;

/// Characters of a token that are kept to tell tokens apart.
const PREFIX: usize = 8;

impl Platform {
    /// A fresh token of the organisation, for nobody yet, and its secret.
    pub fn new_token(&self, kind: TokenKind, org: &str, created_by: &str) -> (String, Token) {
        let secret = self.entropy.secret();
        let token = Token {
            id: TokenId::new(self.entropy.uuid()),
            kind,
            workspace_id: None,
            org: org.to_owned(),
            generation: 0,
            digest: digest(&secret),
            prefix: secret[..PREFIX].to_owned(),
            name: None,
            created_by: Some(created_by.to_owned()),
            created_at: self.now(),
            last_used_at: None,
            revoked_at: None,
        };
        (secret, token)
    }

    /// A fresh instance token of a workspace's current generation, and its secret.
    pub fn new_instance_token(&self, workspace: &Workspace, created_by: &str) -> (String, Token) {
        let (secret, token) = self.new_token(TokenKind::Instance, &workspace.org, created_by);
        (secret, Token { workspace_id: Some(workspace.id), generation: workspace.generation, ..token })
    }
}
