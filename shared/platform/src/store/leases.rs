//! The lease: `LIVE#shard` / `id`. A steady heartbeat is one conditional update here and nothing else.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use rules::lease::{Beat, Lease};
use rules::{Status, Timestamp, WorkspaceId};

use super::item::{from_item, n, readable, s, to_attribute, to_item};
use super::key::lease_pk;
use super::transaction::Expression;
use super::{Item, Key, Store, StoreError, Transaction};

/// How a renewal went, with the lease as it was before it.
#[derive(Debug, Clone)]
pub enum Renewal {
    /// The lease runs on.
    Renewed(Box<Lease>),
    /// Nothing was written: no lease, another token, another status, or run out.
    Refused(Option<Box<Lease>>),
}

pub(super) fn read(item: Item) -> Result<Lease, StoreError> {
    from_item(item)
}

/// TTL deletion collects garbage only, an hour after the lease is over.
const GARBAGE_AFTER: std::time::Duration = std::time::Duration::from_secs(3600);

fn expires(until: Timestamp) -> i64 {
    (until + GARBAGE_AFTER).ttl_seconds()
}

impl Store {
    /// The steady heartbeat: renews a live lease of an online workspace by a token whose digest is on it, or by none
    /// where the workspace never had one. One request, which also tells why it was refused.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn renew_lease(
        &self,
        id: WorkspaceId,
        digest: Option<&str>,
        beat: &Beat,
        monthly_spend: Option<i64>,
        until: Timestamp,
    ) -> Result<Renewal, StoreError> {
        let busy = if beat.active_tasks > 0 {
            "SET busy_since = if_not_exists(busy_since, :now), active_at = :now, "
        } else {
            "REMOVE busy_since SET "
        };
        let spend = if monthly_spend.is_some() { ", monthly_spend = :spend" } else { "" };
        let holder = if digest.is_some() { "attribute_exists(digests.#d)" } else { "#open = :true" };
        let mut update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::Lease(id).attributes()))
            .update_expression(format!("{busy}lease_until = :until, expires_at = :ttl, beat = :beat{spend}"))
            .condition_expression(format!("{holder} AND #status = :online AND lease_until > :now"))
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":now", n(beat.at.millis()))
            .expression_attribute_values(":until", n(until.millis()))
            .expression_attribute_values(":ttl", n(expires(until)))
            .expression_attribute_values(":beat", to_attribute(beat)?)
            .expression_attribute_values(":online", s(Status::Online.as_str()))
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        if let Some(cents) = monthly_spend {
            update = update.expression_attribute_values(":spend", n(cents));
        }
        update = match digest {
            Some(digest) => update.expression_attribute_names("#d", digest),
            None => update
                .expression_attribute_names("#open", "open")
                .expression_attribute_values(":true", aws_sdk_dynamodb::types::AttributeValue::Bool(true)),
        };
        match update.send().await {
            Ok(answer) => {
                let old = answer.attributes.ok_or_else(|| StoreError::Corrupt("no old lease".to_owned()))?;
                Ok(Renewal::Renewed(Box::new(read(old)?)))
            }
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    Ok(Renewal::Refused(failed.item.clone().map(read).transpose()?.map(Box::new)))
                }
                _ => Err(error.into()),
            },
        }
    }

    /// All leases of one shard.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn leases(&self, shard: u8) -> Result<Vec<Lease>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :p")
            .expression_attribute_values(":p", s(lease_pk(shard)));
        let mut pages = query.into_paginator().send();
        let mut leases = Vec::new();
        while let Some(page) = pages.next().await {
            leases.extend(readable(page?.items.unwrap_or_default(), read));
        }
        Ok(leases)
    }
}

impl Transaction<'_> {
    /// Writes a lease as decided by a slow path. The `work` flag is left as it is: an accept may have raised it since; on
    /// a new lease it starts raised, which costs one wake and loses nothing.
    #[must_use]
    pub fn put_lease(mut self, lease: &Lease) -> Self {
        let mut item = match to_item(lease) {
            Ok(item) => item,
            Err(error) => {
                self.fail(error);
                return self;
            }
        };
        item.insert("expires_at".into(), n(expires(lease.lease_until)));
        item.remove("work");
        let removed: Vec<_> = ["busy_since", "active_at", "idle_minutes", "digests"]
            .into_iter()
            .filter(|name| !item.contains_key(*name))
            .collect();
        let mut sets = vec!["#work = if_not_exists(#work, :work)".to_owned()];
        let mut update = Expression::default().name("#work", "work").value(":work", bool_value(true));
        for (index, (name, value)) in item.into_iter().enumerate() {
            sets.push(format!("#n{index} = :n{index}"));
            update = update.name(&format!("#n{index}"), &name).value(&format!(":n{index}"), value);
        }
        let mut text = format!("SET {}", sets.join(", "));
        if !removed.is_empty() {
            text.push_str(" REMOVE ");
            text.push_str(&removed.join(", "));
        }
        self.update(&Key::Lease(lease.workspace_id), update.text(text), None);
        self
    }

    /// Marks the lease as seen to be over, if no heartbeat came since it was read.
    #[must_use]
    pub fn end_lease(mut self, lease: &Lease) -> Self {
        let update =
            Expression::new("SET #status = :offline").name("#status", "status").value(":offline", s("offline"));
        let condition = Expression::new("lease_until = :seen").value(":seen", n(lease.lease_until.millis()));
        self.update(&Key::Lease(lease.workspace_id), update, Some(condition));
        self
    }

    /// Holds only while there is no lease.
    #[must_use]
    pub fn check_no_lease(mut self, id: WorkspaceId) -> Self {
        self.check(&Key::Lease(id), Expression::new("attribute_not_exists(pk)"));
        self
    }

    /// There is no lease of this workspace any more.
    #[must_use]
    pub fn delete_lease(mut self, id: WorkspaceId) -> Self {
        self.delete(&Key::Lease(id), None);
        self
    }

    /// The next heartbeat must look at the record. Only for a lease that was read: there must be one.
    #[must_use]
    pub fn raise_control(self, id: WorkspaceId) -> Self {
        self.raise(id, "control")
    }

    /// The next heartbeat with capacity must wake the drain. Only for a lease that was read.
    #[must_use]
    pub fn raise_work(self, id: WorkspaceId) -> Self {
        self.raise(id, "work")
    }

    fn raise(mut self, id: WorkspaceId, flag: &str) -> Self {
        let update = Expression::new("SET #flag = :true").name("#flag", flag).value(":true", bool_value(true));
        self.update(&Key::Lease(id), update, Some(Expression::new("attribute_exists(pk)")));
        self
    }

    /// No message is open. Only for a lease that was read.
    #[must_use]
    pub fn lower_work(mut self, id: WorkspaceId) -> Self {
        let update = Expression::new("SET #work = :false").name("#work", "work").value(":false", bool_value(false));
        self.update(&Key::Lease(id), update, Some(Expression::new("attribute_exists(pk)")));
        self
    }

    /// Takes a revoked token off the lease. Only for a lease that was read and has digests.
    #[must_use]
    pub fn strike_digest(mut self, id: WorkspaceId, digest: &str) -> Self {
        let update = Expression::new("REMOVE digests.#d").name("#d", digest);
        self.update(&Key::Lease(id), update, Some(Expression::new("attribute_exists(digests)")));
        self
    }

    /// Holds only while the lease does not admit a token that was not on it when it was read: one that is admitted in
    /// between would renew on after its end.
    #[must_use]
    pub fn check_not_admitted(mut self, id: WorkspaceId, digest: &str) -> Self {
        let condition = Expression::new("attribute_not_exists(digests.#d)").name("#d", digest);
        self.check(&Key::Lease(id), condition);
        self
    }

    /// Heartbeats without a token end here: the workspace gets its first credential. `seen` is the lease as read.
    #[must_use]
    pub fn close_lease(mut self, id: WorkspaceId, seen: Option<&Lease>) -> Self {
        if seen.is_none() {
            self.check(&Key::Lease(id), Expression::new("attribute_not_exists(pk)"));
            return self;
        }
        let update = Expression::new("SET #open = :false").name("#open", "open").value(":false", bool_value(false));
        self.update(&Key::Lease(id), update, Some(Expression::new("attribute_exists(pk)")));
        self
    }
}

fn bool_value(value: bool) -> aws_sdk_dynamodb::types::AttributeValue {
    aws_sdk_dynamodb::types::AttributeValue::Bool(value)
}
