//! The OpenAPI description of this function.
#![expect(dead_code, reason = "these types describe answers; nothing makes a value of them")]

use platform::openapi::{Time, also};
use rules::secret::SecretScope;
use utoipa::{OpenApi, ToSchema};

/// A secret, without its value.
#[derive(ToSchema)]
pub(crate) struct Secret {
    key: String,
    has_value: bool,
    scope: SecretScope,
    created_at: Time,
    updated_at: Time,
}

/// A secret that was changed.
#[derive(ToSchema)]
#[schema(as = SavedSecret)]
pub(crate) struct Saved {
    /// `saved` or `deleted`.
    status: String,
    key: String,
    /// Of one of the organisation's.
    #[schema(nullable = false)]
    scope: Option<SecretScope>,
}

/// Which model the agent is told to use.
#[derive(ToSchema)]
pub(crate) struct Model {
    /// May be empty.
    model: String,
    /// `workspace_secrets` or `default`.
    source: String,
}

/// A model that was set.
#[derive(ToSchema)]
pub(crate) struct SavedModel {
    /// `saved` or `cleared`.
    status: String,
    #[schema(nullable = false)]
    model: Option<String>,
}

#[derive(OpenApi)]
#[openapi(paths(
    crate::list::of_workspace,
    crate::list::of_org,
    crate::own::save,
    crate::own::delete,
    crate::global::save,
    crate::global::delete,
    crate::values::values,
    crate::model::show,
    crate::model::save,
))]
struct Described;

/// Routes that do the same as others.
const SAME: [(&str, &str, &str); 5] = [
    ("POST /workspaces/{id}/secrets", "PUT /workspaces/{id}/secrets", "put_secret"),
    ("POST /settings/secrets", "PUT /settings/secrets", "put_global_secret"),
    ("GET /settings/secrets", "GET /admin/secrets", "list_admin_secrets"),
    ("POST /settings/secrets", "POST /admin/secrets", "save_admin_secret"),
    ("DELETE /settings/secrets/{key}", "DELETE /admin/secrets/{key}", "delete_admin_secret"),
];

/// What its routes take and answer.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut described = Described::openapi();
    for (of, route, operation_id) in SAME {
        also(&mut described, of, route, operation_id);
    }
    described
}
