//! Telling an agent that a message which it was given is cancelled, or that its turn runs too long.

use platform::ask::Question;
use platform::store::Look;
use platform::{Platform, Result};
use rules::delivery::DeliveryMode;
use rules::message::State;
use rules::{MessageId, WorkspaceId};
use serde_json::json;

use crate::call::{control, post};

/// Asks the agent to end the turn of a cancelled message: a message with `metadata.kind = "cancel"`, which takes no slot.
/// The record is settled already, so an agent that does not hear or does not know it changes nothing. One that fetches
/// learns it when it extends its lease.
pub(crate) async fn tell_cancelled(platform: &Platform, id: WorkspaceId, message: MessageId) -> Result<()> {
    let snapshot = platform.store.look(id, &Look::record().lease().message(message)).await?;
    let (Some(workspace), Some(message)) = (snapshot.workspace, snapshot.message) else { return Ok(()) };
    if message.state != State::Cancelled || message.fetched || workspace.delivery.mode == DeliveryMode::Poll {
        return Ok(());
    }
    // One that streams has named its task: then the protocol has a word for it.
    if let Some(task) = &message.streamed {
        let lease = snapshot.lease.as_ref();
        let said = platform.ask(&workspace, lease, &message, task, Question::Cancel).await;
        tracing::info!(message = %message.id, heard = said.is_some(), "asked the agent to cancel its task");
        return Ok(());
    }
    let word = json!({
        "jsonrpc": "2.0", "id": message.id, "method": "message/send",
        "params": { "message": {
            "kind": "message", "role": "user", "messageId": platform.entropy.uuid().to_string(),
            "parts": [{ "kind": "text", "text": "cancel" }],
            "metadata": { "kind": "cancel", "queue_id": message.id, "message_id": message.message_id },
        } },
    });
    let outcome = control(platform, &workspace, &message, word.to_string().into()).await;
    tracing::info!(message = %message.id, ?outcome, "told the agent that a message is cancelled");
    Ok(())
}

/// Tells an agent that is called what it is to do about a turn that runs too long: a message with `metadata.kind`, which
/// takes no slot. One that cannot be reached, or fetches, hears it by its next heartbeat.
pub(crate) async fn tell_rung(platform: &Platform, id: WorkspaceId) -> Result<()> {
    let seen = platform.store.look(id, &Look::record().slots()).await?;
    let (Some(workspace), Some(ladder)) = (seen.workspace, seen.slots.ladder) else { return Ok(()) };
    let Some(url) = workspace.url.as_deref().filter(|_| workspace.delivery.mode == DeliveryMode::Push) else {
        return Ok(());
    };
    let kind = ladder.rung.control();
    let word = json!({
        "jsonrpc": "2.0", "id": platform.entropy.uuid().to_string(), "method": "message/send",
        "params": { "message": {
            "kind": "message", "role": "user", "messageId": platform.entropy.uuid().to_string(),
            "parts": [{ "kind": "text", "text": ladder.reason }],
            "metadata": ladder.request(platform.turn_limits()),
        } },
    });
    let outcome = post(platform, &workspace, url, word.to_string().into()).await;
    tracing::info!(workspace = %id, kind, ?outcome, "told the agent that its turn runs too long");
    Ok(())
}
