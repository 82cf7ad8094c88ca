//! The message that tells an agent of its restart. It is accepted in the transaction that begins the generation, so that
//! none is lost, and waits in the queue until the agent can take it.

use std::time::Duration;

use rules::MessageId;
use rules::message::{Accepted, Message};
use rules::restart_message;
use rules::secret::merge;
use rules::workspace::Workspace;

use crate::decide::Fault;
use crate::entropy::digest_bytes;
use crate::platform::Platform;
use crate::store::{BodyKind, StoreError, Transaction};

/// News of a restart is no news after this.
const LIFE: Duration = Duration::from_secs(24 * 3600);

/// The message and its body.
pub(super) type Context = (Message, Vec<u8>);

impl Platform {
    /// What is to be told of the generation that `after` begins; nothing where that is switched off.
    pub(super) async fn restart_context(&self, after: &Workspace) -> Result<Option<Context>, Fault> {
        if !self.config.engine.restart_context || !self.runs(after) {
            return Ok(None);
        }
        let global = self.store.org_secrets(&after.org).await?;
        let merged = merge(global, self.store.secrets(after.id).await?);
        let text = restart_message::text(after, merged.keys().map(String::as_str));
        let body = restart_message::envelope(after, &text);
        let now = self.now();
        let accepted = Accepted {
            id: MessageId::new(self.entropy.ordered_uuid(now)),
            org: after.org.clone(),
            target: after.id,
            caller: restart_message::caller(),
            message_id: restart_message::message_id(after),
            body_digest: digest_bytes(&body),
            deadline: now + LIFE,
            not_before: None,
        };
        let message = Message { trace: Some(self.new_trace()), ..restart_message::message(accepted, after, now) };
        Ok(Some((message, body)))
    }

    /// The writes of the message; a body of this size lies in the transaction.
    pub(super) async fn with_context<'a>(
        &'a self,
        transaction: Transaction<'a>,
        context: Option<&Context>,
    ) -> Result<Transaction<'a>, StoreError> {
        let Some((message, body)) = context else { return Ok(transaction) };
        let (now, keep) = (message.accepted_at, self.config.retention);
        let transaction = transaction.create_message(message, keep).open_slots(message.target, message.priority, now);
        self.store.with_body(transaction, message.id, BodyKind::Request, body, now, LIFE + keep).await
    }
}
