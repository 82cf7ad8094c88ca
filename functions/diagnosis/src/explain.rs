//! `GET /workspaces/{id}/explain`.

use platform::openapi::Refusals;
use platform::provisioner::Running;
use platform::store::Look;
use platform::{Call, Platform, Problem, Reply, Result};
use rules::credential::TokenKind;
use rules::diagnosis::{Engine, Facts, diagnose};
use rules::liveness::effective;
use rules::memory::redacted;
use rules::workspace::Workspace;
use serde_json::json;

use crate::openapi;

/// Lines of the log that the answer shows.
const LOG_LINES: usize = 20;

/// Why a workspace is as it is, in words, and what to do: 200 `{"workspace_id","status","summary","findings":[{"check","ok",
/// "says","do"?}],"log":[…]}`. It puts the guide's checklists ("stuck in provisioning", "401", "does not answer A2A") into
/// one answer. Operators, or the workspace itself.
///
/// # Errors
/// 401; 403; 404; 503.
#[utoipa::path(
    get,
    path = "/workspaces/{id}/explain",
    operation_id = "explain_workspace",
    responses(
        (status = 200, description = "In words", body = openapi::Explanation),
        Refusals<400, 401, 403, 404, 503>,
    ),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn explain(platform: Platform, call: Call) -> Result<Reply> {
    let (_, id, seen) = platform.operator_or_self(&call, Look::record().lease().slots()).await?;
    let workspace = seen.workspace.as_ref().ok_or_else(Problem::no_workspace)?;
    let now = platform.now();
    let truth = effective(workspace, seen.lease.as_ref(), now);
    let (engine, log) = ask(&platform, workspace).await;
    let tokens = platform.store.tokens_of(id).await?;
    let facts = Facts {
        workspace,
        lease: seen.lease.as_ref(),
        slots: &seen.slots,
        truth: &truth,
        engine,
        log: &log,
        limits: platform.config.engine.limits(workspace.tier),
        tokens: tokens.iter().filter(|token| token.kind == TokenKind::Instance).count(),
        paused_ancestor: platform.has_paused_ancestor(workspace).await?,
        now,
    };
    let (summary, findings) = diagnose(&facts);
    let mut findings = json!(findings);
    for finding in findings.as_array_mut().into_iter().flatten() {
        if let Some(advice) = finding["do"].as_str() {
            finding["do"] = json!(advice.replace("{id}", &id.to_string()));
        }
    }
    let answer = json!({
        "workspace_id": id,
        "status": truth.status,
        "generation": workspace.generation,
        "summary": summary,
        "findings": findings,
        "log": log.lines().collect::<Vec<_>>(),
    });
    Ok(Reply::ok(&answer).header("cache-control", "no-store"))
}

/// What the engine says, and the last lines of the log. An engine that does not answer is a finding, not an error.
async fn ask(platform: &Platform, workspace: &Workspace) -> (Engine, String) {
    if !platform.runs(workspace) {
        return (Engine::None, String::new());
    }
    let engine = match platform.provisioner.is_running(workspace.id, workspace.generation).await {
        Ok(Running::Yes { .. }) => Engine::Runs,
        Ok(Running::No(exit)) => Engine::Gone(exit),
        Err(error) => Engine::Silent(error.to_string()),
    };
    let log = platform.provisioner.logs(workspace.id, LOG_LINES).await.unwrap_or_default();
    (engine, redacted(&log))
}
