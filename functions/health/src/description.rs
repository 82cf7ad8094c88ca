//! `GET /openapi.json`.

use lambda_http::http::StatusCode;
use platform::openapi::AnyObject;
use platform::{Call, Platform, Reply, Result};

/// Made of the handlers' own annotations; a test of `infra/local` keeps the file up to date.
const TEXT: &str = include_str!("../../../infra/openapi.json");

/// Open; answers 200 with the OpenAPI 3.1 description of this API.
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "get_openapi",
    responses((status = 200, description = "This description", body = AnyObject)),
)]
pub(crate) async fn description(_platform: Platform, _call: Call) -> Result<Reply> {
    let reply = Reply::raw(StatusCode::OK, "application/json", TEXT);
    Ok(reply.header("cache-control", "public, max-age=300"))
}
