//! A record of the stream as an event for the bus.

use aws_lambda_events::event::dynamodb::EventRecord;
use platform::store::StoredEvent;
use rules::published::Published;
use serde_dynamo::AttributeValue;

/// The event that a record tells; none where it tells none: another item, or one that changed or went.
pub(crate) fn published(record: &EventRecord) -> Option<Result<Published, String>> {
    let image = &record.change.new_image;
    let is_event = matches!(image.get("sk"), Some(AttributeValue::S(key)) if key.starts_with("EVENT#"));
    if record.event_name != "INSERT" || !is_event {
        return None;
    }
    Some(read(image))
}

fn read(image: &serde_dynamo::Item) -> Result<Published, String> {
    let stored: StoredEvent = serde_dynamo::from_item(image.clone()).map_err(|error| error.to_string())?;
    let org = match image.get("gsi1pk") {
        Some(AttributeValue::S(place)) => org(place),
        _ => None,
    };
    let org = org.ok_or("it has no organisation")?;
    let StoredEvent { id, event_type, workspace_id, created_at, payload, .. } = &stored;
    Ok(Published::new(*id, *event_type, *workspace_id, org, *created_at, payload))
}

/// Of `EVENTS#org#shard`.
fn org(place: &str) -> Option<&str> {
    Some(place.strip_prefix("EVENTS#")?.rsplit_once('#')?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_organisation_is_between_the_kind_and_the_shard() {
        for (place, expected) in [
            ("EVENTS#default#3", Some("default")),
            ("EVENTS#a#b#7", Some("a#b")),
            ("EVENTS#", None),
            ("ORG#default", None),
        ] {
            assert_eq!(org(place), expected);
        }
    }
}
