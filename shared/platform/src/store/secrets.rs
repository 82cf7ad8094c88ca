//! Secrets, sealed: `WS#id` / `SECRET#key`, and for all of an organisation `ORG#org` / `SECRET#key`. A workspace's are
//! written with its record, whose version holds their number; an organisation's with an item that counts their changes.

use rules::WorkspaceId;
use rules::secret::SecretRecord;

use super::item::{from_item, n, to_item};
use super::key::{org_pk, workspace_pk};
use super::transaction::Expression;
use super::{Key, Store, StoreError, Transaction};

impl Transaction<'_> {
    /// Stores a workspace's secret. The same transaction writes or creates the record, so that the count holds.
    #[must_use]
    pub fn put_secret(mut self, id: WorkspaceId, secret: &SecretRecord) -> Self {
        self.write_secret(&Key::Secret(id, secret.key.clone()), secret);
        self
    }

    /// Deletes a workspace's secret that is there.
    #[must_use]
    pub fn delete_secret(mut self, id: WorkspaceId, key: &str) -> Self {
        self.delete(&Key::Secret(id, key.to_owned()), Some(Expression::new("attribute_exists(pk)")));
        self
    }

    /// Stores an organisation's secret, over the changes as counted.
    #[must_use]
    pub fn put_org_secret(mut self, org: &str, secret: &SecretRecord, changes: u64) -> Self {
        self.count_change(org, changes);
        self.write_secret(&Key::OrgSecret(org.to_owned(), secret.key.clone()), secret);
        self
    }

    /// Deletes an organisation's secret that is there, over the changes as counted.
    #[must_use]
    pub fn delete_org_secret(mut self, org: &str, key: &str, changes: u64) -> Self {
        self.count_change(org, changes);
        let there = Expression::new("attribute_exists(pk)");
        self.delete(&Key::OrgSecret(org.to_owned(), key.to_owned()), Some(there));
        self
    }

    fn write_secret(&mut self, key: &Key, secret: &SecretRecord) {
        match to_item(secret) {
            Ok(mut item) => {
                item.extend(key.attributes());
                self.put(item, None);
            }
            Err(error) => self.fail(error),
        }
    }

    fn count_change(&mut self, org: &str, seen: u64) {
        let update = Expression::new("SET changes = :next").value(":next", n(seen + 1));
        let condition = match seen {
            0 => Expression::new("attribute_not_exists(pk)"),
            seen => Expression::new("changes = :seen").value(":seen", n(seen)),
        };
        self.update(&Key::OrgSecrets(org.to_owned()), update, Some(condition));
    }
}

impl Store {
    /// A workspace's own secrets, by key.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn secrets(&self, id: WorkspaceId) -> Result<Vec<SecretRecord>, StoreError> {
        self.secrets_in(workspace_pk(id)).await
    }

    /// One of a workspace's own secrets.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn secret(&self, id: WorkspaceId, key: &str) -> Result<Option<SecretRecord>, StoreError> {
        self.get(&Key::Secret(id, key.to_owned())).await?.map(from_item).transpose()
    }

    /// An organisation's secrets, by key.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn org_secrets(&self, org: &str) -> Result<Vec<SecretRecord>, StoreError> {
        self.secrets_in(org_pk(org)).await
    }

    /// One of an organisation's secrets.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn org_secret(&self, org: &str, key: &str) -> Result<Option<SecretRecord>, StoreError> {
        self.get(&Key::OrgSecret(org.to_owned(), key.to_owned())).await?.map(from_item).transpose()
    }

    /// How often an organisation's secrets were changed. To be read before them: a change in between then shows.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn org_secret_changes(&self, org: &str) -> Result<u64, StoreError> {
        let Some(item) = self.get(&Key::OrgSecrets(org.to_owned())).await? else { return Ok(0) };
        let count = item.get("changes").and_then(|count| count.as_n().ok()).and_then(|count| count.parse().ok());
        count.ok_or_else(|| StoreError::Corrupt("the count of an organisation's secrets".to_owned()))
    }

    /// Deletes all secrets of a removed workspace.
    ///
    /// # Errors
    /// The datastore does not answer; what is left can be deleted again.
    pub async fn delete_secrets(&self, id: WorkspaceId) -> Result<(), StoreError> {
        for secret in self.secrets(id).await? {
            let key = Key::Secret(id, secret.key).attributes();
            self.client.delete_item().table_name(&self.table).set_key(Some(key)).send().await?;
        }
        Ok(())
    }

    async fn secrets_in(&self, partition: String) -> Result<Vec<SecretRecord>, StoreError> {
        self.query_prefix(partition, "SECRET#").await?.into_iter().map(from_item).collect()
    }
}
