//! `GET /admin/a2a-queue/dead`.

use platform::openapi::Refusals;
use platform::{Call, Platform, Reply, Result};
use serde_json::json;

use crate::list::cursor;
use crate::openapi;
use crate::show::show;

/// 200 `{"items":[…],"next":null|"…"}`: the organisation's messages that failed, expired or were dropped, newest first; each
/// can be replayed. `?limit=` 1 to 100, else 50; `?cursor=`. Operators. Read from an index that follows the records with a
/// short delay.
///
/// # Errors
/// 400, 401, 403.
#[utoipa::path(
    get,
    path = "/admin/a2a-queue/dead",
    operation_id = "list_dead_messages",
    params(
        ("limit" = Option<u32>, Query, description = "How many, else 50", minimum = 1, maximum = 100),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before"),
    ),
    responses((status = 200, description = "Newest first", body = openapi::Messages), Refusals<400, 401, 403, 503>),
    security(("operator" = [])),
)]
pub(crate) async fn dead(platform: Platform, call: Call) -> Result<Reply> {
    platform.operator(&call).await?;
    let limit = call.number("limit", 50, 1, 100)?;
    let page = platform.store.dead(&platform.config.org, cursor(&call)?, limit).await?;
    let items: Vec<_> = page.messages.iter().map(show).collect();
    Ok(Reply::ok(&json!({ "items": items, "next": page.next })))
}
