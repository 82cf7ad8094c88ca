//! Delegations that an agent carries out by itself and only records: `POST …/delegations/record` and `…/update`.

use http::StatusCode;
use platform::decide::{Fault, decide};
use platform::openapi::Refusals;
use platform::store::Look;
use platform::{Call, Platform, Problem, Reply, Result};
use rules::delegation::{Delegation, RESULT_CHARS, Stage, shortened};
use rules::event::{Event, EventType};
use rules::workspace::Workspace;
use rules::{Status, WorkspaceId};
use serde::Deserialize;
use serde_json::json;

use crate::delegate::{TASK_CHARS, check_task, sent, target};
use crate::openapi;

/// The longest delegation id of an agent, in bytes.
const MAX_ID: usize = 128;

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = RecordedDelegation)]
struct Record {
    #[schema(format = Uuid)]
    target_id: String,
    task: String,
    #[schema(pattern = "^[A-Za-z0-9_.:-]{1,128}$")]
    delegation_id: String,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = DelegationUpdate)]
struct Update {
    #[schema(value_type = openapi::UpdateStatus)]
    status: String,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    response_preview: Option<String>,
}

/// Records a delegation that the agent sends by itself: 202 `{"delegation_id","status":"recorded"}`; a repeat changes
/// nothing. Nothing is sent here.
///
/// # Errors
/// 400; 401; 403; 404 for operators; 503.
#[utoipa::path(
    post,
    path = "/workspaces/{id}/delegations/record",
    operation_id = "record_delegation",
    request_body = Record,
    responses(
        (status = 202, description = "Recorded", body = openapi::Recorded),
        Refusals<400, 401, 403, 404, 410, 503>,
    ),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn record(platform: Platform, call: Call) -> Result<Reply> {
    let (_, source, snapshot) = platform.operator_or_self(&call, Look::record()).await?;
    let body: Record = call.json()?;
    let target = target(&body.target_id, source)?;
    check_task(&body.task)?;
    check_id(&body.delegation_id)?;
    let workspace = living(snapshot.workspace)?;
    decide(|| async {
        if platform.store.delegation(source, &body.delegation_id).await?.is_some() {
            return Ok(());
        }
        let delegation = Delegation {
            delegation_id: body.delegation_id.clone(),
            source,
            target,
            task: shortened(&body.task, TASK_CHARS),
            stage: Stage::Dispatched,
            queue_id: None,
            result: None,
            error: None,
            created_at: platform.now(),
            finished_at: None,
        };
        let transaction = platform.store.transaction().create_delegation(&delegation);
        Ok(platform.tell(transaction, &workspace, Some(sent(&delegation))).commit().await?)
    })
    .await?;
    let answer = json!({ "delegation_id": body.delegation_id, "status": "recorded" });
    Ok(Reply::json(StatusCode::ACCEPTED, &answer))
}

/// Reports how a recorded delegation goes: `{"status":"completed"|"failed"|"queued","error"?,"response_preview"?}`; 200
/// `{"status","delegation_id"}` with its state from then on. What is over stays as it is, and one that the platform carries
/// out ends by its message alone.
///
/// # Errors
/// 400; 401; 403; 404 for operators; 503.
#[utoipa::path(
    post,
    path = "/workspaces/{id}/delegations/{delegation_id}/update",
    operation_id = "update_delegation",
    request_body = Update,
    responses(
        (status = 200, description = "Its state from then on", body = openapi::Updated),
        Refusals<400, 401, 403, 404, 410, 503>,
    ),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn update(platform: Platform, call: Call) -> Result<Reply> {
    let (_, source, snapshot) = platform.operator_or_self(&call, Look::record()).await?;
    let id = call.params.get("delegation_id").cloned().unwrap_or_default();
    check_id(&id)?;
    let body: Update = call.json()?;
    let stage = match body.status.as_str() {
        "completed" => Stage::Completed,
        "failed" => Stage::Failed,
        "queued" => Stage::Queued,
        _ => {
            let text = "status must be 'completed', 'failed' or 'queued'";
            return Err(Problem::bad_request("invalid_field", text));
        }
    };
    let workspace = living(snapshot.workspace)?;
    let stage = decide(|| round(&platform, &workspace, source, &id, stage, &body)).await?;
    Ok(Reply::ok(&json!({ "status": stage, "delegation_id": id })))
}

async fn round(
    platform: &Platform,
    workspace: &Workspace,
    source: WorkspaceId,
    id: &str,
    stage: Stage,
    body: &Update,
) -> Result<Stage, Fault> {
    // Clients report what they never recorded, and expect no error for it.
    let Some(seen) = platform.store.delegation(source, id).await? else { return Ok(stage) };
    if seen.stage.is_over() || seen.queue_id.is_some() || seen.stage == stage {
        return Ok(seen.stage);
    }
    let short = |text: &Option<String>| text.as_deref().map(|text| shortened(text, RESULT_CHARS));
    let after = Delegation {
        stage,
        result: short(&body.response_preview).filter(|_| stage == Stage::Completed),
        error: short(&body.error).filter(|_| stage == Stage::Failed),
        finished_at: stage.is_over().then(|| platform.now()),
        ..seen.clone()
    };
    let event = match stage {
        Stage::Queued => Event::new(
            EventType::DelegationStatus,
            json!({ "delegation_id": id, "target_id": after.target, "status": stage }),
        ),
        _ => platform::stitch::ended(id, after.target, stage, after.result.as_deref(), after.error.as_deref()),
    };
    let transaction = platform.store.transaction().put_delegation(&after, &seen);
    platform.tell(transaction, workspace, Some(event)).commit().await?;
    Ok(stage)
}

fn check_id(id: &str) -> Result<()> {
    let harmless = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte));
    if id.is_empty() || id.len() > MAX_ID || !harmless {
        let text = "delegation_id must have 1 to 128 letters, digits or - _ . :";
        return Err(Problem::bad_request("invalid_id", text));
    }
    Ok(())
}

fn living(workspace: Option<Workspace>) -> Result<Workspace> {
    let workspace = workspace.ok_or_else(Problem::no_workspace)?;
    if workspace.status == Status::Removed { Err(Problem::gone()) } else { Ok(workspace) }
}
