//! Message records: `WS#target` / `MSG#id`, indexed as open until they end, and as dead if they can be revived; and the
//! idempotency rows that lead to them.

use std::time::Duration;

use rules::lane::Lane;
use rules::message::Message;
use rules::{MessageId, Timestamp, WorkspaceId};
use serde::{Deserialize, Serialize};

use super::item::{from_item, n, readable, s, to_item};
use super::key::{dead_gsi, open_gsi};
use super::transaction::Expression;
use super::{Item, Key, Store, StoreError, Transaction};

/// What a messageId of one caller to one target stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Idempotency {
    /// The first message that bore it.
    pub queue_id: MessageId,
    /// Digest of that message's body.
    pub body_digest: String,
}

pub(super) fn read(item: Item) -> Result<Message, StoreError> {
    from_item(item)
}

impl Transaction<'_> {
    /// Stores a new message.
    #[must_use]
    pub fn create_message(mut self, message: &Message, keep: Duration) -> Self {
        self.write_message(message, Expression::new("attribute_not_exists(pk)"), keep);
        self
    }

    /// Writes a message over the version `message.version - 1`.
    #[must_use]
    pub fn put_message(mut self, message: &Message, keep: Duration) -> Self {
        let seen = n(message.version.saturating_sub(1));
        let condition = Expression::new("#v = :v").name("#v", "version").value(":v", seen);
        self.write_message(message, condition, keep);
        self
    }

    fn write_message(&mut self, message: &Message, condition: Expression, keep: Duration) {
        match to_item(message) {
            Ok(mut item) => {
                item.extend(Key::Message(message.target, message.id).attributes());
                let kept_from = message.finished_at.unwrap_or(message.deadline);
                item.insert("expires_at".into(), n((kept_from + keep).ttl_seconds()));
                let lane = Lane::new(message.target, message.context_id.as_deref());
                item.insert("lane".into(), s(lane.message_group_id()));
                let index = match message.state {
                    state if !state.is_terminal() => Some(open_gsi(message.target)),
                    state if state.may_be_replayed() => Some(dead_gsi(&message.org, message.id)),
                    _ => None,
                };
                if let Some(index) = index {
                    item.insert("gsi1pk".into(), s(index));
                    item.insert("gsi1sk".into(), s(message.id.to_string()));
                }
                self.put(item, Some(condition));
            }
            Err(error) => self.fail(error),
        }
    }

    /// Claims a messageId for a new message. When it is taken, the commit fails with the old row at this write's place.
    #[must_use]
    pub fn claim_idempotency(
        mut self,
        target: WorkspaceId,
        key: &str,
        claim: &Idempotency,
        now: Timestamp,
        keep: Duration,
    ) -> Self {
        match to_item(claim) {
            Ok(mut item) => {
                item.extend(Key::Idempotency(target, key.to_owned()).attributes());
                item.insert("expires_at".into(), n((now + keep).ttl_seconds()));
                let condition = Expression::new("attribute_not_exists(pk) OR expires_at < :now")
                    .value(":now", n(now.ttl_seconds()));
                self.put(item, Some(condition));
            }
            Err(error) => self.fail(error),
        }
        self
    }
}

impl Transaction<'_> {
    /// Frees a messageId: its message was never sent, so the caller may send it again.
    #[must_use]
    pub fn release_idempotency(mut self, target: WorkspaceId, key: &str) -> Self {
        self.delete(&Key::Idempotency(target, key.to_owned()), None);
        self
    }
}

impl Store {
    /// One message. One that cannot be read counts as gone: nothing is done with it, and all others go on.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn message(&self, target: WorkspaceId, id: MessageId) -> Result<Option<Message>, StoreError> {
        Ok(readable(self.get(&Key::Message(target, id)).await?, read).next())
    }

    /// What a messageId stands for, if it was used within the last day.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn idempotency(&self, target: WorkspaceId, key: &str) -> Result<Option<Idempotency>, StoreError> {
        self.get(&Key::Idempotency(target, key.to_owned())).await?.map(from_item).transpose()
    }
}
