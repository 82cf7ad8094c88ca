//! `POST /registry/register`.

use platform::decide::{Fault, decide};
use platform::openapi::Refusals;
use platform::store::{Look, Snapshot};
use platform::{Call, Platform, Problem, Reply, Result};
use rules::Status;
use rules::credential::{Denial, Grant, may_register};
use rules::lease::{Beat, Lease};
use rules::register::apply;
use rules::start::FETCHED_WITHIN;
use rules::workspace::Workspace;
use serde_json::json;

use crate::openapi;
use crate::request::Request;
use crate::{failure, grant};

/// Takes `{"id","url","agent_card","delivery_mode"?}`; answers 200 `{"status":"registered","delivery_mode",
/// "platform_inbound_secret","heartbeat_interval_seconds"}`, with `"auth_token"` when a token was issued just now, and with
/// `"heartbeat_url"` where heartbeats have a shorter way than `/registry/heartbeat`.
///
/// The caller is checked before its URL, so that a stranger learns nothing and changes nothing. A permitted call that
/// fails leaves its mark on the workspace, which is then degraded until it succeeds or shows its card in a heartbeat.
///
/// # Errors
/// 400 malformed, or a URL that may not be called, with `reason`; 401; 403 an API token; 404 unknown; 409 paused or
/// `stale_generation`; 410 removed.
#[utoipa::path(
    post,
    path = "/registry/register",
    operation_id = "register",
    request_body = crate::request::Body,
    responses(
        (status = 200, description = "Registered", body = openapi::Registered),
        Refusals<400, 401, 403, 404, 409, 410, 503>,
    ),
    security((), ("runtime" = []), ("boot" = [])),
)]
pub(crate) async fn register(platform: Platform, call: Call) -> Result<Reply> {
    let request = Request::read(&call)?;
    let digest = call.bearer().map(platform::entropy::digest);
    let registered = decide(|| round(&platform, &request, digest.as_deref())).await?;
    if registered.wake {
        platform.wake_drain(request.id).await;
    }
    if registered.outdated {
        // Its runtime fetches what changed right after this; then there is nothing to do.
        platform.reconcile_later(request.id, FETCHED_WITHIN).await;
    }
    let mut answer = json!({
        "status": "registered",
        "delivery_mode": registered.workspace.delivery.mode,
        "platform_inbound_secret": registered.workspace.inbound_secret,
        "heartbeat_interval_seconds": platform.config.heartbeat_interval.as_secs_f64(),
    });
    if let Some(url) = &platform.config.heartbeat_url {
        answer["heartbeat_url"] = json!(url);
    }
    if let Some(token) = registered.issued {
        answer["auth_token"] = json!(token);
    }
    Ok(Reply::ok(&answer).header("cache-control", "no-store"))
}

struct Registered {
    workspace: Workspace,
    issued: Option<String>,
    wake: bool,
    /// It was changed while it started.
    outdated: bool,
}

async fn round(platform: &Platform, request: &Request, digest: Option<&str>) -> Result<Registered, Fault> {
    let now = platform.now();
    let look = Look::record().lease().slots().bearer(digest).or_boot();
    let snapshot = platform.store.look(request.id, &look).await?;
    let (workspace, grant) = permitted(platform, &snapshot).await?;
    let url = match request.endpoint(platform, workspace).await {
        Ok(url) => url,
        Err(problem) => {
            failure::mark(platform, &snapshot, workspace, problem.code).await?;
            return Err(problem.into());
        }
    };
    let call = rules::register::Call { mode: request.mode, url, agent_card: request.card(workspace) };
    let applied = apply(workspace, snapshot.lease.as_ref(), call, now)?;
    let changed = applied.is_some() || grant != Grant::Keep;
    let (mut after, mut events) = applied.unwrap_or_else(|| (workspace.clone(), Vec::new()));
    if changed {
        after.version = workspace.version + 1;
        after.updated_at = now;
        after.bootstrap_open = workspace.bootstrap_open && grant == Grant::Keep;
    }
    let mut lease = renewed(platform, &after, snapshot.lease.as_ref());
    let transaction = match changed {
        true => platform.store.transaction().put_workspace(&after),
        false => platform.store.transaction().check_workspace(workspace),
    };
    let settled = grant::carry_out(platform, grant, &snapshot, &after, &mut lease, transaction).await?;
    events.extend(settled.events);
    let mut transaction = settled.transaction.put_lease(&lease);
    if matches!(workspace.status, Status::Provisioning | Status::Offline) {
        transaction = transaction.provisioned(workspace.id);
    }
    platform.tell(transaction, &after, events).commit().await?;
    let outdated = platform.runs(&after) && rules::start::is_outdated(&after);
    Ok(Registered { workspace: after, issued: settled.issued, wake: snapshot.slots.pending, outdated })
}

/// The workspace and the grant, or 401 and its kin. A 401 by a credential that was once this workspace's own is held
/// against it; nobody else's is.
async fn permitted<'a>(platform: &Platform, snapshot: &'a Snapshot) -> Result<(&'a Workspace, Grant), Fault> {
    let workspace = snapshot.workspace.as_ref().ok_or_else(Problem::no_workspace)?;
    let presented = snapshot.presented();
    if workspace.status == Status::Removed {
        let own = snapshot.token.as_ref().is_some_and(|token| token.belongs_to(workspace.id))
            || snapshot.boot.as_ref().is_some_and(|boot| boot.workspace_id == workspace.id);
        return Err(if own { Problem::gone() } else { Problem::bad_credential() }.into());
    }
    match may_register(workspace, presented, platform.now()) {
        Ok(grant) => Ok((workspace, grant)),
        Err(denial) => {
            if denial == (Denial::Invalid { own: true }) {
                failure::hold_against(platform, snapshot, workspace).await?;
            }
            Err(Fault::from(Problem::from(denial)))
        }
    }
}

/// A fresh lease, with what the one before knew of the agent.
fn renewed(platform: &Platform, after: &Workspace, before: Option<&Lease>) -> Lease {
    let now = platform.now();
    let beat = before.map(|lease| lease.beat.clone()).unwrap_or_default();
    let beat = Beat { at: now, register_state: None, ..beat };
    Lease::renewed(after, before, beat, platform.config.liveness_ttl)
}
