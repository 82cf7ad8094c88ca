//! Tokens and boot credentials. A token has two rows: by digest, to verify it, and under its owner, to list it. Revoking
//! deletes the list row and leaves the digest row as a tombstone for seven days.

use std::time::Duration;

use rules::credential::{BootCredential, Token};
use rules::{Timestamp, TokenId, WorkspaceId};

use super::item::{from_item, n, s, to_item};
use super::key::workspace_pk;
use super::transaction::Expression;
use super::{Item, Key, Store, StoreError, Transaction};

/// How long a revoked token is remembered.
const TOMBSTONE: Duration = Duration::from_secs(7 * 24 * 3600);

fn list_key(token: &Token) -> Key {
    match token.workspace_id {
        Some(workspace) => Key::TokenOf(workspace, token.id),
        None => Key::OrgToken(token.org.clone(), token.id),
    }
}

pub(super) fn read(item: Item) -> Result<Token, StoreError> {
    from_item(item)
}

pub(super) fn read_boot(item: Item) -> Result<BootCredential, StoreError> {
    from_item(item)
}

impl Transaction<'_> {
    /// Stores a new token.
    #[must_use]
    pub fn issue_token(mut self, token: &Token) -> Self {
        match to_item(token) {
            Ok(item) => {
                let mut by_digest = item.clone();
                by_digest.extend(Key::Token(token.digest.clone()).attributes());
                self.put(by_digest, Some(Expression::new("attribute_not_exists(pk)")));
                let mut listed = item;
                listed.extend(list_key(token).attributes());
                self.put(listed, None);
            }
            Err(error) => self.fail(error),
        }
        self
    }

    /// Turns a live token into a tombstone.
    #[must_use]
    pub fn revoke_token(mut self, token: &Token, now: Timestamp) -> Self {
        let update = Expression::new("SET revoked_at = :now, expires_at = :ttl")
            .value(":now", n(now.millis()))
            .value(":ttl", n((now + TOMBSTONE).ttl_seconds()));
        self.update(&Key::Token(token.digest.clone()), update, Some(Expression::new("attribute_exists(pk)")));
        self.delete(&list_key(token), None);
        self
    }

    /// Holds only while the token is live.
    #[must_use]
    pub fn check_token(mut self, token: &Token) -> Self {
        let condition = Expression::new("attribute_exists(pk) AND attribute_not_exists(revoked_at)");
        self.check(&Key::Token(token.digest.clone()), condition);
        self
    }

    /// Stores a new boot credential.
    #[must_use]
    pub fn issue_boot(mut self, boot: &BootCredential) -> Self {
        self.write_boot(boot, Expression::new("attribute_not_exists(pk)"));
        self
    }

    /// Records an exchange over the credential as read.
    #[must_use]
    pub fn exchange_boot(mut self, seen: &BootCredential, token_digest: &str) -> Self {
        let condition = match &seen.exchanged_for {
            Some(before) => Expression::new("exchanged_for = :b").value(":b", s(before.clone())),
            None => Expression::new("attribute_exists(pk) AND attribute_not_exists(exchanged_for)"),
        };
        let exchanged = BootCredential { exchanged_for: Some(token_digest.to_owned()), ..seen.clone() };
        self.write_boot(&exchanged, condition);
        self
    }

    fn write_boot(&mut self, boot: &BootCredential, condition: Expression) {
        match to_item(boot) {
            Ok(mut item) => {
                item.extend(Key::Boot(boot.digest.clone()).attributes());
                if let Some(end) = boot.ends_at {
                    item.insert("expires_at".into(), n((end + TOMBSTONE).ttl_seconds()));
                }
                self.put(item, Some(condition));
            }
            Err(error) => self.fail(error),
        }
    }
}

impl Store {
    /// The token with this digest, live or tombstone.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn token(&self, digest: &str) -> Result<Option<Token>, StoreError> {
        self.get(&Key::Token(digest.to_owned())).await?.map(read).transpose()
    }

    /// The live tokens of a workspace, oldest first.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn tokens_of(&self, workspace: WorkspaceId) -> Result<Vec<Token>, StoreError> {
        self.tokens_in(workspace_pk(workspace)).await
    }

    /// The live tokens of an organisation, oldest first.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn org_tokens(&self, org: &str) -> Result<Vec<Token>, StoreError> {
        self.tokens_in(format!("ORG#{org}")).await
    }

    /// One live token of an organisation.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn org_token(&self, org: &str, id: TokenId) -> Result<Option<Token>, StoreError> {
        self.get(&Key::OrgToken(org.to_owned(), id)).await?.map(read).transpose()
    }

    /// One live token of a workspace.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn token_of(&self, workspace: WorkspaceId, id: TokenId) -> Result<Option<Token>, StoreError> {
        self.get(&Key::TokenOf(workspace, id)).await?.map(read).transpose()
    }

    async fn tokens_in(&self, partition: String) -> Result<Vec<Token>, StoreError> {
        let items = self.query_prefix(partition, "TOKEN#").await?;
        let mut tokens = items.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
        tokens.sort_by_key(|token| (token.created_at, token.id));
        Ok(tokens)
    }

    /// Items of one partition whose sort key begins with `prefix` (empty: all), all pages, strongly consistent.
    pub(super) async fn query_prefix(&self, partition: String, prefix: &str) -> Result<Vec<Item>, StoreError> {
        let mut query = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :p")
            .expression_attribute_values(":p", s(partition));
        if !prefix.is_empty() {
            query = query
                .key_condition_expression("pk = :p AND begins_with(sk, :k)")
                .expression_attribute_values(":k", s(prefix));
        }
        let mut pages = query.into_paginator().send();
        let mut items = Vec::new();
        while let Some(page) = pages.next().await {
            items.extend(page?.items.unwrap_or_default());
        }
        Ok(items)
    }

    /// Notes that a token was used: on its digest row, where the next request sees that it was noted, and on its list
    /// row, where people do. Best effort: a failure is logged and nothing more.
    pub async fn touch_token(&self, token: &Token, now: Timestamp) {
        for key in [Key::Token(token.digest.clone()), list_key(token)] {
            let touched = self
                .client
                .update_item()
                .table_name(&self.table)
                .set_key(Some(key.attributes()))
                .update_expression("SET last_used_at = :now")
                .condition_expression("attribute_exists(pk) AND attribute_not_exists(revoked_at)")
                .expression_attribute_values(":now", n(now.millis()))
                .send()
                .await;
            if let Err(error) = touched {
                tracing::debug!(%error, "last use of a token not noted");
                return;
            }
        }
    }
}
