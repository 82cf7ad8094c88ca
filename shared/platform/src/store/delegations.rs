//! Delegations: `WS#source` / `DELEG#id`, listed by the index `DELEGS#source` / time; and the rows of their idempotency keys.

use rules::delegation::{Delegation, KEPT, Outcome};
use rules::{Timestamp, WorkspaceId};

use super::item::{from_item, n, readable, s, to_item};
use super::key::time_key;
use super::transaction::Expression;
use super::{Key, Store, StoreError, Transaction};

fn index_of(source: WorkspaceId) -> String {
    format!("DELEGS#{source}")
}

impl Transaction<'_> {
    /// Stores a new delegation.
    #[must_use]
    pub fn create_delegation(self, delegation: &Delegation) -> Self {
        self.write_delegation(delegation, Some(Expression::new("attribute_not_exists(pk)")))
    }

    /// Writes a delegation that its agent looks after by itself, over the stage that was read.
    #[must_use]
    pub fn put_delegation(self, delegation: &Delegation, seen: &Delegation) -> Self {
        let condition = Expression::new("stage = :seen").value(":seen", s(seen.stage.as_str()));
        self.write_delegation(delegation, Some(condition))
    }

    fn write_delegation(mut self, delegation: &Delegation, condition: Option<Expression>) -> Self {
        match to_item(delegation) {
            Ok(mut item) => {
                item.extend(Key::Delegation(delegation.source, delegation.delegation_id.clone()).attributes());
                item.insert("expires_at".into(), n((delegation.created_at + KEPT).ttl_seconds()));
                item.insert("gsi1pk".into(), s(index_of(delegation.source)));
                let order = format!("{}#{}", time_key(delegation.created_at), delegation.delegation_id);
                item.insert("gsi1sk".into(), s(order));
                self.put(item, condition);
            }
            Err(error) => self.fail(error),
        }
        self
    }

    /// Writes how a delegation ended. Not conditional: nothing may keep its message from ending, and it ends once. Where
    /// the record is gone with its source, what this leaves is collected.
    #[must_use]
    pub fn end_delegation(mut self, source: WorkspaceId, id: &str, outcome: &Outcome, now: Timestamp) -> Self {
        let mut text =
            "SET stage = :stage, finished_at = :now, expires_at = if_not_exists(expires_at, :gone)".to_owned();
        let mut update = Expression::default()
            .value(":stage", s(outcome.stage.as_str()))
            .value(":now", n(now.millis()))
            .value(":gone", n((now + KEPT).ttl_seconds()));
        let mut removed = Vec::new();
        for (name, placeholder, value) in
            [("#result", ":result", &outcome.result), ("#error", ":error", &outcome.error)]
        {
            update = update.name(name, &name[1..]);
            match value {
                Some(value) => {
                    text.push_str(&format!(", {name} = {placeholder}"));
                    update = update.value(placeholder, s(value));
                }
                None => removed.push(name),
            }
        }
        if !removed.is_empty() {
            text.push_str(&format!(" REMOVE {}", removed.join(", ")));
        }
        self.update(&Key::Delegation(source, id.to_owned()), update.text(text), None);
        self
    }

    /// Lets an idempotency key stand for a delegation, in place of the one that it stood for when it was read.
    #[must_use]
    pub fn claim_delegation(
        mut self,
        source: WorkspaceId,
        key: &str,
        id: &str,
        seen: Option<&str>,
        now: Timestamp,
    ) -> Self {
        let mut item = Key::DelegationKey(source, key.to_owned()).attributes();
        item.insert("delegation_id".into(), s(id));
        item.insert("expires_at".into(), n((now + KEPT).ttl_seconds()));
        let condition = match seen {
            None => Expression::new("attribute_not_exists(pk)"),
            Some(seen) => Expression::new("delegation_id = :seen").value(":seen", s(seen)),
        };
        self.put(item, Some(condition));
        self
    }
}

impl Store {
    /// One delegation.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn delegation(&self, source: WorkspaceId, id: &str) -> Result<Option<Delegation>, StoreError> {
        self.get(&Key::Delegation(source, id.to_owned())).await?.map(from_item).transpose()
    }

    /// The delegation that an idempotency key stands for.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn delegation_of(&self, source: WorkspaceId, key: &str) -> Result<Option<String>, StoreError> {
        let row = self.get(&Key::DelegationKey(source, key.to_owned())).await?;
        Ok(row.and_then(|row| row.get("delegation_id")?.as_s().ok().cloned()))
    }

    /// The newest delegations of a workspace, newest first.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn delegations(&self, source: WorkspaceId, limit: i32) -> Result<Vec<Delegation>, StoreError> {
        let query = self.client.query().table_name(&self.table).index_name("gsi1").scan_index_forward(false);
        let answer = query
            .limit(limit)
            .key_condition_expression("gsi1pk = :p")
            .expression_attribute_values(":p", s(index_of(source)))
            .send()
            .await?;
        let id = |item: &super::Item| item.get("sk")?.as_s().ok()?.strip_prefix("DELEG#").map(str::to_owned);
        let ids = answer.items.unwrap_or_default();
        let keys: Vec<Key> = ids.iter().filter_map(id).map(|id| Key::Delegation(source, id)).collect();
        Ok(readable(self.get_many(&keys).await?.into_iter().flatten(), from_item).collect())
    }
}
