//! Telling an agent that a message which it was given is cancelled.

use platform::ask::Question;
use platform::store::Look;
use platform::{Platform, Result};
use rules::delivery::DeliveryMode;
use rules::message::State;
use rules::{MessageId, WorkspaceId};
use serde_json::json;

use crate::call::control;

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
