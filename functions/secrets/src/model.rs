//! `GET`, `PUT /workspaces/{id}/model`: the secret [`MODEL_KEY`], which is none, so it is also shown.

use platform::openapi::Refusals;
use platform::secrets::SecretOwner;
use platform::store::Look;
use platform::{Call, Platform, Reply, Result};
use rules::field;
use rules::secret::MODEL_KEY;
use serde::Deserialize;
use serde_json::json;

use crate::openapi;
use crate::own::{erase, store, there};

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = NewModel)]
struct Body {
    #[schema(max_length = 100)]
    model: String,
}

/// Which model the agent is told to use: 200 `{"model","source"}`. `workspace_secrets`: the workspace's own setting;
/// `default`: the organisation's, else what the workspace was created with, else empty. The workspace itself or an operator.
///
/// # Errors
/// 400; 401; 403; 404 for operators; 410; 500 `secret_unreadable`; 503.
#[utoipa::path(
    get,
    path = "/workspaces/{id}/model",
    operation_id = "get_model",
    responses(
        (status = 200, description = "The model, and who says so", body = openapi::Model),
        Refusals<400, 401, 403, 404, 410, 500, 503>,
    ),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn show(platform: Platform, call: Call) -> Result<Reply> {
    let (_, id, seen) = platform.operator_or_self(&call, Look::record()).await?;
    let workspace = there(seen.workspace)?;
    if let Some(own) = platform.store.secret(id, MODEL_KEY).await? {
        let model = platform.open_secret(SecretOwner::Workspace(id), &own).await?;
        return Ok(Reply::ok(&json!({ "model": model.expose(), "source": "workspace_secrets" })));
    }
    let model = match platform.store.org_secret(&workspace.org, MODEL_KEY).await? {
        Some(global) => platform.open_secret(SecretOwner::Org(&workspace.org), &global).await?.expose().to_owned(),
        None => workspace.model.unwrap_or_default(),
    };
    Ok(Reply::ok(&json!({ "model": model, "source": "default" })))
}

/// Takes `{"model"}`; 200 `{"status":"saved","model"}`, or for an empty one `{"status":"cleared"}`. A managed workspace is
/// started anew with it. The workspace itself or an operator.
///
/// # Errors
/// As for a secret; 400 for a name that is longer than 100 bytes or one line.
#[utoipa::path(
    put,
    path = "/workspaces/{id}/model",
    operation_id = "set_model",
    request_body = Body,
    responses(
        (status = 200, description = "Stored, or cleared", body = openapi::SavedModel),
        Refusals<400, 401, 403, 404, 409, 410, 422, 503>,
    ),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn save(platform: Platform, call: Call) -> Result<Reply> {
    let (_, id, seen) = platform.operator_or_self(&call, Look::record()).await?;
    let body: Body = call.json()?;
    there(seen.workspace)?;
    let model = field::model(&body.model)?;
    if model.is_empty() {
        erase(&platform, id, MODEL_KEY).await?;
        return Ok(Reply::ok(&json!({ "status": "cleared" })));
    }
    store(&platform, id, MODEL_KEY, &model).await?;
    Ok(Reply::ok(&json!({ "status": "saved", "model": model })))
}
