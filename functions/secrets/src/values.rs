//! `GET /workspaces/{id}/secrets/values`.

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt};
use platform::auth::Principal;
use platform::decide::{Fault, decide};
use platform::openapi::Refusals;
use platform::sealing::{Plaintext, SealError};
use platform::secrets::SecretOwner;
use platform::store::Look;
use platform::{Call, Platform, Problem, Reply, Result};
use rules::credential;
use rules::credential::Presented;
use rules::secret::{SecretRecord, SecretScope, merge};
use rules::workspace::Workspace;

use crate::own::there;

/// Values that are opened at once, where the key is a service's.
const AT_ONCE: usize = 16;

/// All that the workspace gets: 200 `{"KEY":"value"}`, its own before the organisation's. To its runtime alone, by the
/// instance token of its generation: no operator and no API token reads a value back. What was given out is noted in the
/// record, once: the runtime need not be started for it again.
///
/// # Errors
/// 401; 403; 409 `stale_generation`; 410; 500 `secret_unreadable` with `failed_keys`, and then no value at all; 503.
#[utoipa::path(
    get,
    path = "/workspaces/{id}/secrets/values",
    operation_id = "get_secret_values",
    responses(
        (status = 200, description = "Values by key", body = std::collections::BTreeMap<String, String>),
        Refusals<400, 401, 403, 404, 409, 410, 500, 503>,
    ),
    security(("runtime" = [])),
)]
pub(crate) async fn values(platform: Platform, call: Call) -> Result<Reply> {
    let (principal, id, seen) = platform.operator_or_self(&call, Look::record()).await?;
    if principal != Principal::Workspace(id) {
        return Err(Problem::forbidden("not_your_workspace", "values go to the workspace's own runtime alone"));
    }
    let presented = seen.presented();
    let opened = decide(|| round(&platform, id, presented)).await?;
    let values: BTreeMap<&str, &str> = opened.iter().map(|(key, value)| (key.as_str(), value.expose())).collect();
    Ok(Reply::ok(&values).header("cache-control", "no-store"))
}

async fn round(
    platform: &Platform,
    id: rules::WorkspaceId,
    presented: Presented<'_>,
) -> Result<BTreeMap<String, Plaintext>, Fault> {
    // The record first: a change that comes while the secrets are read then shows, in its version or in its revision.
    let workspace = there(platform.store.workspace(id).await?)?;
    credential::may_heartbeat(&workspace, presented)?;
    let global = platform.store.org_secrets(&workspace.org).await?;
    let merged = merge(global, platform.store.secrets(id).await?);
    let opened = open(platform, &workspace, merged).await?;
    if workspace.secrets_seen != workspace.secrets_revision {
        let after = Workspace {
            version: workspace.version + 1,
            secrets_seen: workspace.secrets_revision,
            updated_at: platform.now(),
            ..workspace
        };
        platform.store.transaction().put_workspace(&after).commit().await?;
    }
    Ok(opened)
}

async fn open(
    platform: &Platform,
    workspace: &Workspace,
    merged: BTreeMap<String, (SecretScope, SecretRecord)>,
) -> Result<BTreeMap<String, Plaintext>> {
    let results = stream::iter(merged)
        .map(async |(key, (scope, record))| {
            let owner = SecretOwner::of(scope, workspace.id, &workspace.org);
            (format!("{}:{key}", scope.as_str()), key, platform.open_secret(owner, &record).await)
        })
        .buffered(AT_ONCE)
        .collect::<Vec<_>>()
        .await;
    let (mut opened, mut failed) = (BTreeMap::new(), Vec::new());
    for (name, key, result) in results {
        match result {
            Ok(value) => {
                opened.insert(key, value);
            }
            Err(SealError::Unavailable(text)) => return Err(SealError::Unavailable(text).into()),
            Err(SealError::Unreadable | SealError::NotConfigured) => failed.push(name),
        }
    }
    if failed.is_empty() {
        return Ok(opened);
    }
    tracing::error!(workspace = %workspace.id, keys = ?failed, "secrets do not open");
    Err(Problem::from(SealError::Unreadable).with("failed_keys", failed))
}
