//! Accepting a message: stored with all by which a drain finds it, then its pointer sent. Nobody hears "accepted" before.

use std::time::Duration;

use rules::lease::Lease;
use rules::message::{Message, State};
use rules::workspace::Workspace;
use rules::{MessageId, Status, WorkspaceId};

use crate::delivery::end_event;
use crate::platform::Platform;
use crate::problem::{Problem, Result};
use crate::store::{BodyKind, CommitError, Idempotency, Look, Transaction};

/// How long a messageId is remembered.
const IDEMPOTENCY: Duration = Duration::from_secs(24 * 3600);
/// Rounds of accepting against a moving target.
const ROUNDS: u32 = 10;

/// A message that can be accepted.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The record to be.
    pub message: Message,
    /// The normalised envelope, as the agent gets it.
    pub body: Vec<u8>,
    /// Key of its idempotency row.
    pub idempotency: String,
}

/// Who gets it, as last read.
#[derive(Debug, Clone)]
pub struct Target {
    /// Its record.
    pub workspace: Workspace,
    /// Its lease.
    pub lease: Option<Lease>,
}

/// More writes of the transaction that stores a message.
pub type Also<'f> = &'f (dyn for<'t> Fn(Transaction<'t>) -> Transaction<'t> + Sync);

enum Stored {
    New,
    /// The same message was accepted before, as this one.
    Before(MessageId),
}

impl Platform {
    /// Accepts a message, or finds the one that bore its messageId before. `also` adds to the transaction that stores it.
    ///
    /// # Errors
    /// 409 `idempotency_conflict`; 410 removed; 503 when it could not be queued, and then nothing is.
    pub async fn accept(&self, target: &mut Target, draft: &Draft, also: Also<'_>) -> Result<Message> {
        match self.store_message(target, draft, also).await? {
            Stored::New => {
                self.send_first(&target.workspace, draft).await?;
                Ok(draft.message.clone())
            }
            Stored::Before(id) => self.send_again(draft.message.target, id).await,
        }
    }

    /// One transaction: the claim of the messageId, the record, the body, and the marks by which every drain finds it.
    async fn store_message(&self, target: &mut Target, draft: &Draft, also: Also<'_>) -> Result<Stored> {
        let (message, keep) = (&draft.message, self.config.retention);
        let id = message.target;
        for _ in 0..ROUNDS {
            let claim = Idempotency { queue_id: message.id, body_digest: message.body_digest.clone() };
            let mut transaction = self
                .store
                .transaction()
                .claim_idempotency(id, &draft.idempotency, &claim, self.now(), IDEMPOTENCY)
                .check_workspace(&target.workspace)
                .create_message(message, keep)
                .open_slots(id, message.priority, message.accepted_at);
            if target.lease.is_some() {
                transaction = transaction.raise_work(id);
            }
            let life = message.deadline.since(message.accepted_at) + keep;
            let transaction = self
                .store
                .with_body(also(transaction), message.id, BodyKind::Request, &draft.body, message.accepted_at, life)
                .await?;
            match transaction.commit().await {
                Ok(()) => return Ok(Stored::New),
                Err(CommitError::Store(error)) => return Err(error.into()),
                Err(CommitError::Moved(failed)) => {
                    if failed.iter().any(|failed| failed.index == 0)
                        && let Some(before) = self.accepted_before(draft).await?
                    {
                        return Ok(Stored::Before(before));
                    }
                    self.look_again(target).await?;
                }
            }
        }
        Err(Problem::unavailable())
    }

    /// The message that bore this messageId first, unless it said something else.
    async fn accepted_before(&self, draft: &Draft) -> Result<Option<MessageId>> {
        let Some(first) = self.store.idempotency(draft.message.target, &draft.idempotency).await? else {
            return Ok(None);
        };
        if first.body_digest == draft.message.body_digest {
            return Ok(Some(first.queue_id));
        }
        Err(Problem::conflict("idempotency_conflict", "this messageId was used for another body; use a new one")
            .with("queue_id", first.queue_id.to_string()))
    }

    async fn look_again(&self, target: &mut Target) -> Result<()> {
        let fresh = self.store.look(target.workspace.id, &Look::record().lease()).await?;
        let workspace = fresh.workspace.ok_or_else(Problem::no_workspace)?;
        if workspace.status == Status::Removed {
            return Err(Problem::gone());
        }
        *target = Target { workspace, lease: fresh.lease };
        Ok(())
    }

    /// Puts the pointer into its lane. Where that fails, the message ends, its messageId is free again, and the sender
    /// hears 503.
    async fn send_first(&self, workspace: &Workspace, draft: &Draft) -> Result<()> {
        let message = &draft.message;
        let sent = match message.is_deferred() {
            true => self.remind_of(message).await,
            false => self.point_to(message).await,
        };
        let Err(error) = sent else { return Ok(()) };
        let mut dropped = message.clone();
        dropped.version += 1;
        dropped.finish(self.now(), State::Dropped, "it could not be queued");
        let transaction = self
            .store
            .transaction()
            .put_message(&dropped, self.config.retention)
            .count_open(message.target, -1)
            .release_idempotency(message.target, &draft.idempotency);
        let transaction = self.tell(transaction, workspace, end_event(&dropped));
        let settled = match self.stitch(transaction, workspace, &dropped, None).await {
            Ok(transaction) => transaction.commit().await,
            Err(fault) => Err(CommitError::Store(fault)),
        };
        if let Err(CommitError::Store(fault)) = settled {
            // Perhaps it stays queued: then the sender's repeat finds it by its messageId, or else the sweep sends it.
            tracing::error!(%fault, message = %message.id, "a message that could not be queued could not be dropped either");
        }
        Err(error.into())
    }

    /// Whoever sent it first may have got no further than its record. A second pointer of one epoch changes nothing: the
    /// queue drops it, or it is stale when it is received.
    async fn send_again(&self, target: WorkspaceId, id: MessageId) -> Result<Message> {
        let message = self.store.message(target, id).await?.ok_or_else(Problem::unknown_message)?;
        if message.state == State::Queued && !message.is_deferred() {
            self.point_to(&message).await?;
        }
        Ok(message)
    }
}
