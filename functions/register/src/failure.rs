//! The marks that a failed register leaves: on the record, with the lease told to look at it.

use std::time::Duration;

use platform::Platform;
use platform::decide::Fault;
use platform::store::Snapshot;
use rules::event::{Event, EventType};
use rules::workspace::{AuthFailure, RegisterFailure, Workspace};
use serde_json::json;

/// A mark is not written again within this time, so that a tight retry loop costs no writes.
const AGAIN_AFTER: Duration = Duration::from_secs(10);

/// An authenticated register failed: until it succeeds, or a heartbeat shows the card, the workspace is degraded.
pub(crate) async fn mark(
    platform: &Platform,
    snapshot: &Snapshot,
    workspace: &Workspace,
    code: &str,
) -> Result<(), Fault> {
    let now = platform.now();
    let known = workspace.register_failure.as_ref();
    if known.is_some_and(|known| known.code == code && now.since(known.at) < AGAIN_AFTER) {
        return Ok(());
    }
    let mut after = workspace.clone();
    after.register_failure = Some(RegisterFailure { at: now, code: code.to_owned() });
    let event = known.is_none().then(|| Event::new(EventType::RegisterFailed, json!({ "code": code })));
    write(platform, snapshot, after, event).await
}

/// A register ended in 401 by a credential that was once this workspace's own.
pub(crate) async fn hold_against(platform: &Platform, snapshot: &Snapshot, workspace: &Workspace) -> Result<(), Fault> {
    let now = platform.now();
    let window = platform.config.register_failure_window;
    let known = workspace.auth_failure.filter(|known| now.since(known.last) < window);
    if known.is_some_and(|known| now.since(known.last) < AGAIN_AFTER) {
        return Ok(());
    }
    let mut after = workspace.clone();
    after.auth_failure = Some(AuthFailure { since: known.map_or(now, |known| known.since), last: now });
    let event =
        known.is_none().then(|| Event::new(EventType::RegisterFailed, json!({ "code": "invalid_token", "own": true })));
    write(platform, snapshot, after, event).await
}

async fn write(
    platform: &Platform,
    snapshot: &Snapshot,
    mut after: Workspace,
    event: Option<Event>,
) -> Result<(), Fault> {
    after.version += 1;
    after.updated_at = platform.now();
    let mut transaction = platform.store.transaction().put_workspace(&after);
    if snapshot.lease.is_some() {
        transaction = transaction.raise_control(after.id);
    }
    Ok(platform.tell(transaction, &after, event).commit().await?)
}
