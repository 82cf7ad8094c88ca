//! `POST /workspaces/{id}/restart`.

use http::StatusCode;
use platform::http::Object;
use platform::openapi::Refusals;
use platform::store::Look;
use platform::{Call, Platform, Problem, Reply, Result};
use rules::Status;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::openapi;

#[derive(Default, Deserialize, utoipa::ToSchema)]
#[schema(as = Restart)]
struct Body {
    #[serde(default)]
    reset: bool,
    #[serde(default)]
    template: Option<Value>,
    #[serde(default)]
    apply_template: Option<Value>,
    #[serde(default)]
    rebuild_config: Option<Value>,
}

impl Body {
    /// Templates are not kept by this release; what asks for one is refused, never left out in silence.
    fn refuse_templates(&self) -> Result<()> {
        let asked = [
            ("template", &self.template),
            ("apply_template", &self.apply_template),
            ("rebuild_config", &self.rebuild_config),
        ];
        let empty = |value: &Value| matches!(value, Value::Null | Value::Bool(false)) || value.as_str() == Some("");
        match asked.iter().find(|(_, value)| value.as_ref().is_some_and(|value| !empty(value))) {
            None => Ok(()),
            Some((name, _)) => Err(Problem::unprocessable(
                "field_not_supported",
                format!("{name} is not supported by this release; leave it out"),
            )
            .with("field", *name)),
        }
    }
}

/// Starts a workspace anew: a new generation, whose credentials replace all of the old one's. Many that come at once are one
/// restart, and one more where a setting changed meanwhile. `{"reset":true}` or `?reset=true` drops what its runtime has stored.
/// 200 `{"status":"provisioning","config_dir","reset_session","generation","coalesced"}`. Operators, or the workspace itself.
///
/// # Errors
/// 401; 403; 404; 409 external, hibernating, or below a paused ancestor; 410; 422 for a template; 503 without an engine.
#[utoipa::path(
    post,
    path = "/workspaces/{id}/restart",
    operation_id = "restart_workspace",
    params(("reset" = Option<bool>, Query, description = "Drops what its runtime has stored")),
    request_body = Option<Body>,
    responses(
        (status = 200, description = "It starts anew", body = openapi::Restarted),
        Refusals<400, 401, 403, 404, 409, 410, 422, 503>,
    ),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn restart(platform: Platform, call: Call) -> Result<Reply> {
    let (_, id, seen) = platform.operator_or_self(&call, Look::record()).await?;
    let body = match call.body.is_empty() {
        true => Body::default(),
        false => call.json::<Object<Body>>()?.0,
    };
    body.refuse_templates()?;
    let workspace = seen.workspace.ok_or_else(Problem::no_workspace)?;
    if !workspace.is_external() && workspace.status != Status::Removed && !platform.runs(&workspace) {
        return Err(no_engine());
    }
    let reset = body.reset || call.flag("reset");
    let (workspace, begun) = platform.restart_workspace(id, "asked for", reset).await?;
    Ok(Reply::ok(&json!({
        "status": workspace.status,
        "config_dir": "existing-volume",
        "reset_session": reset,
        "generation": workspace.generation,
        "coalesced": !begun,
    })))
}

/// 503 where nothing runs managed workspaces.
pub(crate) fn no_engine() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "no_engine",
        "this platform starts no workspaces; set PROVISIONER to process, docker or ecs, or restart the agent where it runs",
    )
}
