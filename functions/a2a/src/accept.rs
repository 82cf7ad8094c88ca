//! `POST /workspaces/{id}/a2a`.

use platform::delivery::end_event;
use platform::queues::{Pointer, QueueError};
use platform::store::{BodyKind, CommitError, Idempotency, Look};
use platform::{Call, Platform, Problem, Reply, Result};
use rules::delivery::DeliveryMode;
use rules::lane::Lane;
use rules::liveness::effective;
use rules::message::{Message, State};
use rules::workspace::Workspace;
use rules::{MessageId, Status, WorkspaceId};

use crate::answer;
use crate::caller::{self, Permitted};
use crate::message::{Draft, draft};

/// How long a messageId is remembered.
const IDEMPOTENCY: std::time::Duration = std::time::Duration::from_secs(24 * 3600);
/// Rounds of accepting against a moving target.
const ROUNDS: u32 = 10;

/// Accepts a message: stored, then queued, then answered. The agent's own status and body if they come within the wait,
/// else 202 `{"queued":true,"queue_id","queue_depth","status","message"}` with `Location` and `Retry-After`.
///
/// A repeat of a messageId by the same sender gets the first one's outcome.
///
/// # Errors
/// 400 malformed; 401; 403 `access_denied`; 404; 409 `idempotency_conflict`; 410 removed; 413; 503 when it could not be
/// queued, and then nothing is.
pub(crate) async fn accept(platform: Platform, call: Call) -> Result<Reply> {
    let mut permitted = caller::permit(&platform, &call).await?;
    let draft = draft(&platform, &call, &permitted)?;
    let message = match store(&platform, &mut permitted, &draft).await? {
        Stored::New => {
            send(&platform, &permitted.workspace, &draft).await?;
            draft.message
        }
        Stored::Before(id) => send_again(&platform, permitted.target, id).await?,
    };
    let truth = effective(&permitted.workspace, permitted.snapshot.lease.as_ref(), platform.now());
    let push = permitted.workspace.delivery.mode == DeliveryMode::Push;
    let served = truth.status.is_dispatchable() && push;
    if served {
        platform.wake_drain(permitted.target).await;
    }
    answer::wait(&platform, message, served.then_some(draft.wait), truth.status, push).await
}

enum Stored {
    New,
    /// The same message was accepted before, as this one.
    Before(MessageId),
}

/// One transaction: the claim of the messageId, the record, the body, and the marks by which every drain finds it.
async fn store(platform: &Platform, permitted: &mut Permitted, draft: &Draft) -> Result<Stored> {
    let (target, message, keep) = (permitted.target, &draft.message, platform.config.retention);
    for _ in 0..ROUNDS {
        let claim = Idempotency { queue_id: message.id, body_digest: message.body_digest.clone() };
        let mut transaction = platform
            .store
            .transaction()
            .claim_idempotency(target, &draft.idempotency, &claim, platform.now(), IDEMPOTENCY)
            .check_workspace(&permitted.workspace)
            .create_message(message, keep)
            .open_slots(target, message.priority, message.accepted_at);
        if permitted.snapshot.lease.is_some() {
            transaction = transaction.raise_work(target);
        }
        let life = message.deadline.since(message.accepted_at) + keep;
        let transaction = platform
            .store
            .with_body(transaction, message.id, BodyKind::Request, &draft.body, message.accepted_at, life)
            .await?;
        match transaction.commit().await {
            Ok(()) => return Ok(Stored::New),
            Err(CommitError::Store(error)) => return Err(error.into()),
            Err(CommitError::Moved(failed)) => {
                if failed.iter().any(|failed| failed.index == 0)
                    && let Some(before) = before(platform, draft).await?
                {
                    return Ok(Stored::Before(before));
                }
                refresh(platform, permitted).await?;
            }
        }
    }
    Err(Problem::unavailable())
}

/// The message that bore this messageId first, unless it said something else.
async fn before(platform: &Platform, draft: &Draft) -> Result<Option<MessageId>> {
    let Some(first) = platform.store.idempotency(draft.message.target, &draft.idempotency).await? else {
        return Ok(None);
    };
    if first.body_digest == draft.message.body_digest {
        return Ok(Some(first.queue_id));
    }
    Err(Problem::conflict("idempotency_conflict", "this messageId was used for another body; use a new one")
        .with("queue_id", first.queue_id.to_string()))
}

async fn refresh(platform: &Platform, permitted: &mut Permitted) -> Result<()> {
    let fresh = platform.store.look(permitted.target, &Look::record().lease().slots()).await?;
    let workspace = fresh.workspace.clone().ok_or_else(Problem::no_workspace)?;
    if workspace.status == Status::Removed {
        return Err(Problem::gone());
    }
    permitted.snapshot.lease = fresh.lease;
    permitted.snapshot.slots = fresh.slots;
    permitted.workspace = workspace;
    Ok(())
}

/// Puts the pointer into its lane. Where that fails, the message ends, its messageId is free again, and the sender hears 503.
async fn send(platform: &Platform, workspace: &Workspace, draft: &Draft) -> Result<()> {
    let message = &draft.message;
    let Err(error) = point_to(platform, message).await else { return Ok(()) };
    let mut dropped = message.clone();
    dropped.version += 1;
    dropped.finish(platform.now(), State::Dropped, "it could not be queued");
    let transaction = platform
        .store
        .transaction()
        .put_message(&dropped, platform.config.retention)
        .release_idempotency(message.target, &draft.idempotency);
    let settled = platform.tell(transaction, workspace, end_event(&dropped)).commit().await;
    if let Err(CommitError::Store(fault)) = settled {
        // Perhaps it stays queued: then the sender's repeat finds it by its messageId, or else the sweep sends it.
        tracing::error!(%fault, message = %message.id, "a message that could not be queued could not be dropped either");
    }
    Err(error.into())
}

/// Whoever sent it first may have got no further than its record. A second pointer of one epoch changes nothing: the
/// queue drops it, or it is stale when it is received.
async fn send_again(platform: &Platform, target: WorkspaceId, id: MessageId) -> Result<Message> {
    let message = platform.store.message(target, id).await?.ok_or_else(answer::unknown)?;
    if message.state == State::Queued {
        point_to(platform, &message).await?;
    }
    Ok(message)
}

/// Sends the pointer of a message. A queue that had to be made for it may be that of a workspace which is deleted
/// meanwhile, and would stay for ever.
async fn point_to(platform: &Platform, message: &Message) -> Result<(), QueueError> {
    let target = message.target;
    let lane = Lane::new(target, message.context_id.as_deref()).message_group_id();
    let pointer = Pointer { message: message.id, epoch: message.send_epoch };
    if platform.queues.send(target, message.priority, &lane, &pointer).await? {
        match platform.store.workspace(target).await {
            Ok(workspace) if workspace.as_ref().is_none_or(|workspace| workspace.status == Status::Removed) => {
                platform.queues.delete_all(target).await?;
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, workspace = %target, "a queue was made, perhaps for nobody"),
        }
    }
    Ok(())
}
