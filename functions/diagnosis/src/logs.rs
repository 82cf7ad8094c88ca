//! `GET /workspaces/{id}/logs` and `/console`.

use http::StatusCode;
use platform::openapi::Refusals;
use platform::provisioner::EngineError;
use platform::store::Look;
use platform::{Call, Platform, Problem, Reply, Result};
use rules::Status;
use rules::memory::redacted as redact;
use rules::workspace::Workspace;
use serde_json::json;

use crate::openapi;

/// Lines when nothing is said.
const LINES: u32 = 100;
/// The most lines of one answer.
const MOST_LINES: u32 = 5000;
/// The most bytes of one answer: the end counts.
const MOST_BYTES: usize = 1024 * 1024;

/// The last lines that a workspace's newest runtime wrote, oldest first: 200 `{"workspace_id","generation","lines":[…]}`;
/// `?tail=` of them, 100 by default. What looks like a secret is not shown. Operators, or the workspace itself.
///
/// # Errors
/// 400; 401; 403; 404; 409 external; 410; 501 without an engine; 502 when the engine refuses; 503 when it does not answer.
#[utoipa::path(
    get,
    path = "/workspaces/{id}/logs",
    operation_id = "get_log",
    params(
        ("tail" = Option<u32>, Query, description = "How many lines, else 100", minimum = 1, maximum = 5000),
    ),
    responses(
        (status = 200, description = "The last lines", body = openapi::Log),
        Refusals<400, 401, 403, 404, 409, 410, 501, 502>,
        Refusals<503>,
    ),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn logs(platform: Platform, call: Call) -> Result<Reply> {
    let (_, _, seen) = platform.operator_or_self(&call, Look::record()).await?;
    let tail = call.number("tail", LINES, 1, MOST_LINES)?;
    let workspace = seen.workspace.ok_or_else(Problem::no_workspace)?;
    let text = read(&platform, &workspace, tail).await?;
    let lines: Vec<&str> = text.lines().collect();
    let answer = json!({ "workspace_id": workspace.id, "generation": workspace.generation, "lines": lines });
    Ok(Reply::ok(&answer).header("cache-control", "no-store"))
}

/// The same as one text, as existing clients ask for it: 200 `{"output"}`. Operators only.
///
/// # Errors
/// As for [`logs`].
#[utoipa::path(
    get,
    path = "/workspaces/{id}/console",
    operation_id = "get_console",
    responses(
        (status = 200, description = "The last lines, as one text", body = openapi::Console),
        Refusals<400, 401, 403, 404, 409, 410, 501, 502>,
        Refusals<503>,
    ),
    security(("operator" = [])),
)]
pub(crate) async fn console(platform: Platform, call: Call) -> Result<Reply> {
    let (_, _, seen) = platform.operator_of(&call, Look::record()).await?;
    let workspace = seen.workspace.ok_or_else(Problem::no_workspace)?;
    let output = read(&platform, &workspace, MOST_LINES).await?;
    Ok(Reply::ok(&json!({ "output": output })).header("cache-control", "no-store"))
}

async fn read(platform: &Platform, workspace: &Workspace, tail: u32) -> Result<String> {
    if workspace.status == Status::Removed {
        return Err(Problem::gone());
    }
    if workspace.is_external() {
        return Err(Problem::conflict(
            "workspace_external",
            "the workspace is external; read its log where its agent runs",
        ));
    }
    if !platform.runs(workspace) {
        return Err(Problem::new(
            StatusCode::NOT_IMPLEMENTED,
            "no_engine",
            "this platform starts no workspaces; read the log where the agent runs",
        ));
    }
    let tail = usize::try_from(tail).unwrap_or(usize::MAX);
    let text = platform.provisioner.logs(workspace.id, tail).await.map_err(|error| match error {
        EngineError::Unreachable(_) => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "engine_unreachable",
            "the container engine does not answer; try again shortly",
        )
        .retry_after(5),
        EngineError::Refused(why) => {
            tracing::warn!(workspace = %workspace.id, why, "log refused");
            Problem::new(StatusCode::BAD_GATEWAY, "engine_refused", "the container engine does not give the log")
        }
    })?;
    let text = redact(&text);
    let from = text.len().saturating_sub(MOST_BYTES);
    let from = (from..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    Ok(text[from..].to_owned())
}
