//! A delegation ends with the message that carries it out, and a fire follows its own, in the same transaction, however
//! that ends.

use rules::delegation::{Stage, outcome, shortened};
use rules::event::{Event, EventType};
use rules::message::Message;
use rules::workspace::Workspace;
use rules::{Status, WorkspaceId};
use serde_json::json;

use crate::platform::Platform;
use crate::store::{StoreError, Transaction};

/// The longest preview in an event, in characters.
const PREVIEW: usize = 200;

impl Platform {
    /// Adds to the transaction that changes `message` what others are to see of it: the ledger of its schedule, and, when it
    /// ends, the workspace which delegated it. `answer` is the body of the agent's answer. A source that is removed sees
    /// nothing, and holds up nothing.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn stitch<'a>(
        &self,
        transaction: Transaction<'a>,
        workspace: &Workspace,
        message: &Message,
        answer: Option<&[u8]>,
    ) -> Result<Transaction<'a>, StoreError> {
        let transaction = self.follow(transaction, workspace, message, answer, None).await?;
        let Some(of) = message.delegation.as_ref().filter(|_| message.state.is_terminal()) else {
            return Ok(transaction);
        };
        let Some(source) = self.store.workspace(of.source).await? else { return Ok(transaction) };
        if source.status == Status::Removed {
            return Ok(transaction);
        }
        let outcome = outcome(message, answer);
        let transaction = transaction.end_delegation(of.source, &of.id, &outcome, self.now());
        let event = ended(&of.id, message.target, outcome.stage, outcome.result.as_deref(), outcome.error.as_deref());
        Ok(self.tell(transaction, &source, Some(event)))
    }
}

/// The event of a delegation that is over.
pub fn ended(id: &str, target: WorkspaceId, stage: Stage, result: Option<&str>, error: Option<&str>) -> Event {
    let preview = |text: Option<&str>| shortened(text.unwrap_or_default(), PREVIEW);
    match stage {
        Stage::Completed => Event::new(
            EventType::DelegationComplete,
            json!({ "delegation_id": id, "target_id": target, "response_preview": preview(result) }),
        ),
        _ => Event::new(
            EventType::DelegationFailed,
            json!({ "delegation_id": id, "target_id": target, "error": preview(error) }),
        ),
    }
}
