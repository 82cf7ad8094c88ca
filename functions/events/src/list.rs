//! `GET /events` and `GET /events/{id}`, with `?limit=`: 1 to 500, else 100.

use platform::openapi::Refusals;
use platform::store::StoredEvent;
use platform::{Call, Platform, Reply, Result};
use rules::WorkspaceId;
use rules::event::EventType;
use rules::id::EventId;
use serde::Serialize;
use serde_json::Value;

/// One event on the wire.
#[derive(Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = Event)]
struct Shown {
    id: EventId,
    event_type: EventType,
    workspace_id: WorkspaceId,
    payload: Value,
    #[schema(value_type = platform::openapi::Time)]
    created_at: String,
}

impl From<StoredEvent> for Shown {
    fn from(event: StoredEvent) -> Self {
        Self {
            id: event.id,
            event_type: event.event_type,
            workspace_id: event.workspace_id,
            // Stored as text, so that the item has the same attributes whatever the payload.
            payload: serde_json::from_str(&event.payload).unwrap_or_default(),
            created_at: event.created_at.rfc3339(),
        }
    }
}

/// The newest events of the organisation: 200 `[{"id","event_type","workspace_id","payload","created_at"}]`. They come from
/// an index that follows the table with a short delay.
///
/// # Errors
/// 400 a bad limit; 401; 403 a workspace's token; 503.
#[utoipa::path(
    get,
    path = "/events",
    operation_id = "list_events",
    params(
        ("limit" = Option<u32>, Query, description = "How many, else 100", minimum = 1, maximum = 500),
    ),
    responses((status = 200, description = "Newest first", body = Vec<Shown>), Refusals<400, 401, 403, 503>),
    security(("operator" = [])),
)]
pub(crate) async fn of_all(platform: Platform, call: Call) -> Result<Reply> {
    platform.operator(&call).await?;
    let limit = limit(&call)?;
    let events = platform.store.events(&platform.config.org, limit, platform.now()).await?;
    Ok(shown(events))
}

/// The newest events of one workspace, also of a removed one, in the same form. Of an unknown one there are none: `[]`.
///
/// # Errors
/// 400 a bad id or limit; 401; 403 a workspace's token; 503.
#[utoipa::path(
    get,
    path = "/events/{id}",
    operation_id = "list_events_of_workspace",
    params(
        ("limit" = Option<u32>, Query, description = "How many, else 100", minimum = 1, maximum = 500),
    ),
    responses((status = 200, description = "Newest first", body = Vec<Shown>), Refusals<400, 401, 403, 503>),
    security(("operator" = [])),
)]
pub(crate) async fn of_one(platform: Platform, call: Call) -> Result<Reply> {
    platform.operator(&call).await?;
    let id = call.workspace_id()?;
    let limit = limit(&call)?;
    let events = platform.store.events_of(id, limit, platform.now()).await?;
    Ok(shown(events))
}

fn limit(call: &Call) -> Result<i32> {
    Ok(call.number("limit", 100, 1, 500)?.cast_signed())
}

fn shown(events: Vec<StoredEvent>) -> Reply {
    Reply::ok(&events.into_iter().map(Shown::from).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stored(payload: &str) -> StoredEvent {
        serde_json::from_value(json!({
            "id": "01890a5d-ac96-774b-bcce-b302099a8057", "event_type": "WORKSPACE_ONLINE",
            "workspace_id": "0a0b0c0d-1111-4222-8333-444455556666", "payload": payload,
            "created_at": 1_700_000_000_123_i64, "expires_at": 1_800_000_000,
        }))
        .unwrap()
    }

    #[test]
    fn the_payload_is_json_and_not_text() {
        let shown = serde_json::to_value(Shown::from(stored(r#"{"url":"https://a.example"}"#))).unwrap();
        let expected = json!({
            "id": "01890a5d-ac96-774b-bcce-b302099a8057", "event_type": "WORKSPACE_ONLINE",
            "workspace_id": "0a0b0c0d-1111-4222-8333-444455556666", "payload": { "url": "https://a.example" },
            "created_at": "2023-11-14T22:13:20.123Z",
        });
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_payload_that_cannot_be_read_hides_no_other_event() {
        assert_eq!(Shown::from(stored("{")).payload, Value::Null);
    }
}
