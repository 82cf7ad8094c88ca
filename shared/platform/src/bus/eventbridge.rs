//! Amazon EventBridge.

use aws_sdk_eventbridge::error::DisplayErrorContext;
use aws_sdk_eventbridge::primitives::DateTime;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use futures::FutureExt;
use futures::future::BoxFuture;
use rules::published::{Published, SOURCE};

use super::{Bus, BusError};

/// A bus of EventBridge's.
#[derive(Debug, Clone)]
pub struct EventBridge {
    client: aws_sdk_eventbridge::Client,
    name: String,
}

impl EventBridge {
    /// The bus of this name.
    pub fn new(client: aws_sdk_eventbridge::Client, name: String) -> Self {
        Self { client, name }
    }

    async fn put_all(&self, events: &[Published]) -> Result<Vec<bool>, BusError> {
        let entries = events.iter().map(|event| {
            PutEventsRequestEntry::builder()
                .event_bus_name(&self.name)
                .source(SOURCE)
                .detail_type(&event.detail_type)
                .detail(&event.detail)
                .time(DateTime::from_millis(event.at.millis()))
                .build()
        });
        let answer = self.client.put_events().set_entries(Some(entries.collect())).send().await;
        let answer = answer.map_err(|error| BusError(DisplayErrorContext(&error).to_string()))?;
        let entries = answer.entries.unwrap_or_default();
        // One that the answer does not speak of was not taken for certain.
        Ok((0..events.len())
            .map(|index| match entries.get(index) {
                Some(entry) if entry.error_code.is_none() => true,
                entry => {
                    let code = entry.and_then(|entry| entry.error_code.as_deref());
                    tracing::warn!(code, detail_type = events[index].detail_type, "the bus did not take an event");
                    false
                }
            })
            .collect())
    }
}

impl Bus for EventBridge {
    fn put<'a>(&'a self, events: &'a [Published]) -> BoxFuture<'a, Result<Vec<bool>, BusError>> {
        self.put_all(events).boxed()
    }
}
