//! A workspace event as it goes to the event bus, where an operator's own rules pick it up.
//!
//! ```json
//! {"source": "molecule", "detail-type": "WORKSPACE_ONLINE", "detail": {"id": "…", "event_type": "WORKSPACE_ONLINE",
//!  "workspace_id": "…", "org_id": "default", "created_at": "2026-01-01T00:00:00.000Z", "payload": {…}}}
//! ```
//!
//! The bus delivers at least once: `id` tells a repeat.

use std::ops::Range;

use serde_json::{Value, json};

use crate::event::EventType;
use crate::id::{EventId, WorkspaceId};
use crate::time::Timestamp;

/// The source of every event; EventBridge keeps `aws.` for itself.
pub const SOURCE: &str = "molecule";
/// Most entries of one request.
const MOST_ENTRIES: usize = 10;
/// Most bytes of one request; EventBridge's limit is 256 KB, of which each entry's frame takes some.
const MOST_BYTES: usize = 240 * 1024;
/// What the frame of an entry takes: its source, type and time.
const FRAME_BYTES: usize = 128;

/// An entry for the bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The event type, as text.
    pub detail_type: String,
    /// The details, JSON.
    pub detail: String,
    /// When it happened.
    pub at: Timestamp,
}

impl Published {
    /// An event as stored, with its payload as JSON text. A payload that the bus would not take is left out, and
    /// `"truncated": true` says so: `GET /events/{id}` has it.
    pub fn new(id: EventId, kind: EventType, workspace: WorkspaceId, org: &str, at: Timestamp, payload: &str) -> Self {
        let named = json!(kind);
        let detail = |payload: &Value, truncated: bool| {
            let mut detail = json!({
                "id": id, "event_type": named, "workspace_id": workspace, "org_id": org, "created_at": at.rfc3339(),
                "payload": payload,
            });
            if truncated {
                detail["truncated"] = json!(true);
            }
            detail.to_string()
        };
        let whole = detail(&serde_json::from_str(payload).unwrap_or(Value::Null), false);
        let detail = if whole.len() + FRAME_BYTES > MOST_BYTES { detail(&json!({}), true) } else { whole };
        Self { detail_type: named.as_str().unwrap_or_default().to_owned(), detail, at }
    }
}

/// The entries in requests that the bus takes: in order, at most ten and 240 KiB each.
pub fn batches(entries: &[Published]) -> Vec<Range<usize>> {
    let mut batches: Vec<Range<usize>> = Vec::new();
    let mut bytes = 0;
    for (index, entry) in entries.iter().enumerate() {
        let size = entry.detail.len() + FRAME_BYTES;
        match batches.last_mut() {
            Some(last) if last.len() < MOST_ENTRIES && bytes + size <= MOST_BYTES => {
                last.end = index + 1;
                bytes += size;
            }
            _ => {
                batches.push(index..index + 1);
                bytes = size;
            }
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::fixtures::{ID, NOW};

    fn published(payload: &str) -> Published {
        Published::new(EventId::new(Uuid::nil()), EventType::WorkspaceOnline, ID, "default", NOW, payload)
    }

    #[test]
    fn the_details_are_the_event() {
        let event = published(r#"{"url":"http://a"}"#);
        assert_eq!(event.detail_type, "WORKSPACE_ONLINE");
        let detail: Value = serde_json::from_str(&event.detail).unwrap();
        assert_eq!(detail["payload"]["url"], "http://a");
        assert_eq!(
            (detail["org_id"].as_str(), detail["event_type"].as_str()),
            (Some("default"), Some("WORKSPACE_ONLINE"))
        );
        assert_eq!(detail["created_at"], NOW.rfc3339());
        assert!(detail.get("truncated").is_none());
    }

    #[test]
    fn what_the_bus_would_not_take_goes_without_its_payload() {
        let event = published(&json!({ "card": "x".repeat(MOST_BYTES) }).to_string());
        let detail: Value = serde_json::from_str(&event.detail).unwrap();
        assert_eq!((&detail["payload"], &detail["truncated"]), (&json!({}), &json!(true)));
    }

    proptest! {
        #[test]
        fn batches_are_in_order_whole_and_within_the_limits(sizes in prop::collection::vec(0..120_000_usize, 0..60)) {
            let entries: Vec<_> = sizes.iter().map(|size| published(&json!({ "x": "x".repeat(*size) }).to_string())).collect();
            let mut next = 0;
            for batch in batches(&entries) {
                prop_assert_eq!(batch.start, next);
                prop_assert!(!batch.is_empty() && batch.len() <= MOST_ENTRIES);
                let bytes: usize = entries[batch.clone()].iter().map(|entry| entry.detail.len() + FRAME_BYTES).sum();
                prop_assert!(bytes <= MOST_BYTES);
                next = batch.end;
            }
            prop_assert_eq!(next, entries.len());
        }
    }
}
