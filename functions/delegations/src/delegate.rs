//! `POST /workspaces/{id}/delegate`.

use std::time::Duration;

use http::StatusCode;
use platform::accept::{Draft, Target};
use platform::entropy::{digest, digest_bytes};
use platform::openapi::Refusals;
use platform::store::{Look, Transaction};
use platform::{Call, Platform, Problem, Reply, Result};
use rules::access::{Party, can_communicate};
use rules::delegation::{BUDGET, Delegation, Repeat, Stage, repeat, shortened};
use rules::event::{Event, EventType};
use rules::message::{Accepted, Caller, DelegationOf, MAX_LIFE, Message};
use rules::trace::Trace;
use rules::workspace::Workspace;
use rules::{MessageId, Status, WorkspaceId};
use serde::Deserialize;
use serde_json::json;

use crate::openapi;

/// The longest task, in bytes: with its envelope it fits into a message.
pub(crate) const MAX_TASK: usize = 900 * 1024;
/// How much of the task the record keeps, in characters.
pub(crate) const TASK_CHARS: usize = 1000;
/// How much of the task an event shows, in characters.
const PREVIEW: usize = 100;
/// The longest idempotency key, in bytes.
const MAX_KEY: usize = 256;
/// Rounds against a repeat that comes at the same time.
const ROUNDS: u32 = 5;

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = NewDelegation)]
struct Body {
    #[schema(format = Uuid)]
    target_id: String,
    task: String,
    #[serde(default)]
    #[schema(max_length = 256)]
    idempotency_key: Option<String>,
    #[serde(default)]
    #[schema(minimum = 1)]
    deadline_seconds: Option<u64>,
}

/// Gives a task to another workspace: 202 `{"delegation_id","status":"delegated","target_id"}`. The outcome is in
/// `GET …/delegations`: a target that is unknown or that the source may not talk to fails there. A repeat with the same
/// `idempotency_key` while the first is under way, or within 10 minutes of its completion, is 202 with the first one's
/// state and `"idempotent_hit":true`. `deadline_seconds` bounds it, else 30 minutes.
///
/// # Errors
/// 400; 401; 403; 404 for operators; 410 removed; 503, and then nothing was delegated.
#[utoipa::path(
    post,
    path = "/workspaces/{id}/delegate",
    operation_id = "delegate",
    request_body = Body,
    responses(
        (status = 202, description = "Under way", body = openapi::Delegated),
        Refusals<400, 401, 403, 404, 410, 503>,
    ),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn delegate(platform: Platform, call: Call) -> Result<Reply> {
    let (_, source, snapshot) = platform.operator_or_self(&call, Look::record()).await?;
    let body: Body = call.json()?;
    let target = target(&body.target_id, source)?;
    check_task(&body.task)?;
    let budget = match body.deadline_seconds {
        None => BUDGET,
        Some(0) => return Err(Problem::bad_request("invalid_field", "deadline_seconds must be at least 1")),
        Some(seconds) => Duration::from_secs(seconds).min(MAX_LIFE),
    };
    let workspace = snapshot.workspace.ok_or_else(Problem::no_workspace)?;
    if workspace.status == Status::Removed {
        return Err(Problem::gone());
    }
    let key = body.idempotency_key.as_deref().filter(|key| !key.is_empty());
    if key.is_some_and(|key| key.len() > MAX_KEY) {
        return Err(Problem::bad_request("invalid_field", "idempotency_key may have at most 256 bytes"));
    }
    let key = key.map(digest);
    for _ in 0..ROUNDS {
        let seen = match &key {
            Some(key) => platform.store.delegation_of(source, key).await?,
            None => None,
        };
        if let Some(first) = &seen
            && let Some(first) = platform.store.delegation(source, first).await?
        {
            let first = as_it_is(&platform, first).await?;
            if repeat(&first, platform.now()) == Repeat::Same {
                return Ok(hit(&first));
            }
        }
        let claim = key.as_deref().map(|key| (key, seen.as_deref()));
        match start(&platform, &workspace, target, &body.task, budget, claim, platform.trace_of(&call)).await {
            Ok(delegation) => {
                let answer = json!({
                    "delegation_id": delegation.delegation_id,
                    "status": "delegated",
                    "target_id": target,
                    "queue_id": delegation.queue_id,
                });
                return Ok(Reply::json(StatusCode::ACCEPTED, &answer));
            }
            // Somebody used the key in between.
            Err(problem) if key.is_some() && problem.status == StatusCode::SERVICE_UNAVAILABLE => {
                if platform.store.delegation_of(source, key.as_deref().unwrap_or_default()).await? == seen {
                    return Err(problem);
                }
            }
            Err(problem) => return Err(problem),
        }
    }
    Err(Problem::unavailable())
}

fn hit(first: &Delegation) -> Reply {
    let answer = json!({
        "delegation_id": first.delegation_id,
        "status": first.stage,
        "target_id": first.target,
        "idempotent_hit": true,
    });
    Reply::json(StatusCode::ACCEPTED, &answer)
}

/// The other workspace.
pub(crate) fn target(text: &str, source: WorkspaceId) -> Result<WorkspaceId> {
    let target = text.parse().map_err(|_| Problem::bad_request("invalid_id", "target_id must be a valid UUID"))?;
    if target == source {
        return Err(Problem::bad_request(
            "self_delegation",
            "self-delegation not permitted: do the task, or name another",
        ));
    }
    Ok(target)
}

/// The task says something, and not too much.
pub(crate) fn check_task(task: &str) -> Result<()> {
    if task.trim().is_empty() {
        return Err(Problem::bad_request("invalid_field", "task must say what is to be done"));
    }
    if task.len() > MAX_TASK {
        return Err(Problem::too_large(MAX_TASK));
    }
    Ok(())
}

/// As the message that carries it out is now.
pub(crate) async fn as_it_is(platform: &Platform, delegation: Delegation) -> Result<Delegation> {
    let Some(queue_id) = delegation.queue_id.filter(|_| !delegation.stage.is_over()) else { return Ok(delegation) };
    let message = platform.store.message(delegation.target, queue_id).await?;
    Ok(match message {
        Some(message) => delegation.by(&message),
        None => delegation,
    })
}

async fn start(
    platform: &Platform,
    source: &Workspace,
    target: WorkspaceId,
    task: &str,
    budget: Duration,
    claim: Option<(&str, Option<&str>)>,
    trace: Trace,
) -> Result<Delegation> {
    let now = platform.now();
    let seen = platform.store.look(target, &Look::record().lease()).await?;
    let id = platform.entropy.uuid().to_string();
    let mut delegation = Delegation {
        delegation_id: id.clone(),
        source: source.id,
        target,
        task: shortened(task, TASK_CHARS),
        stage: Stage::Pending,
        queue_id: None,
        result: None,
        error: None,
        created_at: now,
        finished_at: None,
    };
    let party = |workspace: &Workspace| (workspace.org.clone(), workspace.parent_id, workspace.status);
    let allowed = seen.workspace.as_ref().is_some_and(|target| {
        let ((org, parent, _), (their_org, their_parent, their_status)) = (party(source), party(target));
        let own = Party { id: source.id, org: &org, parent, removed: false };
        let removed = their_status == Status::Removed;
        can_communicate(Some(&own), Some(&Party { id: target.id, org: &their_org, parent: their_parent, removed }))
    });
    let Some(workspace) = seen.workspace.filter(|_| allowed) else {
        delegation.stage = Stage::Failed;
        delegation.finished_at = Some(now);
        delegation.error = Some("the target is unknown, or these workspaces may not talk".to_owned());
        let transaction = told(platform, platform.store.transaction(), source, &delegation, claim);
        transaction.commit().await.map_err(|_| Problem::unavailable())?;
        return Ok(delegation);
    };
    let body = envelope(&id, task);
    let queue_id = MessageId::new(platform.entropy.ordered_uuid(now));
    let accepted = Accepted {
        id: queue_id,
        org: source.org.clone(),
        target,
        caller: Caller::Workspace(source.id),
        message_id: id.clone(),
        body_digest: digest_bytes(&body),
        deadline: now + budget,
        not_before: None,
    };
    let message = Message {
        generation: workspace.generation,
        delegation: Some(DelegationOf { source: source.id, id: id.clone() }),
        trace: Some(trace),
        ..Message::accepted(accepted, now)
    };
    let idempotency = digest(&format!("{}\0{id}", message.caller.key()));
    delegation.queue_id = Some(queue_id);
    let draft = Draft { message, body, idempotency };
    let mut target = Target { workspace, lease: seen.lease };
    let also: &(dyn for<'t> Fn(Transaction<'t>) -> Transaction<'t> + Sync) =
        &|transaction| told(platform, transaction, source, &delegation, claim);
    platform.accept(&mut target, &draft, also).await?;
    platform.wake_drain(delegation.target).await;
    Ok(delegation)
}

/// The delegation, its key and its events, in one transaction with its message.
fn told<'t>(
    platform: &Platform,
    transaction: Transaction<'t>,
    source: &Workspace,
    delegation: &Delegation,
    claim: Option<(&str, Option<&str>)>,
) -> Transaction<'t> {
    let (id, target) = (&delegation.delegation_id, delegation.target);
    let mut transaction = transaction.create_delegation(delegation);
    if let Some((key, seen)) = claim {
        transaction = transaction.claim_delegation(source.id, key, id, seen, platform.now());
    }
    let second = match delegation.stage {
        Stage::Failed => platform::stitch::ended(id, target, Stage::Failed, None, delegation.error.as_deref()),
        _ => Event::new(
            EventType::DelegationStatus,
            json!({ "delegation_id": id, "target_id": target, "status": Stage::Queued }),
        ),
    };
    platform.tell(transaction, source, [sent(delegation), second])
}

/// The event of a delegation that begins.
pub(crate) fn sent(delegation: &Delegation) -> Event {
    Event::new(
        EventType::DelegationSent,
        json!({
            "delegation_id": delegation.delegation_id,
            "target_id": delegation.target,
            "task_preview": shortened(&delegation.task, PREVIEW),
        }),
    )
}

fn envelope(id: &str, task: &str) -> Vec<u8> {
    json!({
        "jsonrpc": "2.0", "id": id, "method": "message/send",
        "params": { "message": {
            "kind": "message", "role": "user", "messageId": id,
            "parts": [{ "kind": "text", "type": "text", "text": task }],
            "metadata": { "delegation_id": id },
        } },
    })
    .to_string()
    .into_bytes()
}
