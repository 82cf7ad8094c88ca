//! One change of a workspace's secrets, and what it does to the workspace's record.

use platform::Platform;
use platform::decide::Fault;
use platform::store::Transaction;
use rules::event::{Event, EventType};
use rules::secret::SecretScope;
use rules::workspace::Workspace;
use serde_json::json;

/// What happened to a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// It was stored.
    Saved,
    /// It was deleted.
    Deleted,
}

/// The record as read gets new secrets: its revision rises, and the event tells the key, never the value.
pub(crate) async fn commit(
    platform: &Platform,
    workspace: &Workspace,
    transaction: Transaction<'_>,
    change: Change,
    scope: SecretScope,
    key: &str,
) -> Result<(), Fault> {
    let after = Workspace {
        version: workspace.version + 1,
        secrets_revision: workspace.secrets_revision + 1,
        updated_at: platform.now(),
        ..workspace.clone()
    };
    let kind = match change {
        Change::Saved => EventType::SecretSaved,
        Change::Deleted => EventType::SecretDeleted,
    };
    let event = Event::new(kind, json!({ "key": key, "scope": scope }));
    let transaction = transaction.put_workspace(&after);
    Ok(platform.tell(transaction, &after, Some(event)).commit().await?)
}
