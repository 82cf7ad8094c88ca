//! EventBridge's scheduled rules: a timer per rule that starts its function with a scheduled event.

use std::sync::Arc;
use std::time::Duration;

use platform::Platform;
use serde_json::json;
use tokio::time::MissedTickBehavior;
use uuid::Uuid;

use crate::function::Function;
use crate::stopping::Stopped;

/// When rules start their functions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Schedules {
    /// As the template says, and once at the start.
    #[default]
    AsDeclared,
    /// At another interval, and once at the start.
    Every(Duration),
    /// Never; see [`Running::fire`](crate::Running::fire).
    Off,
}

impl Schedules {
    /// The interval of a rule that is declared with `every`.
    pub fn interval(self, every: Duration) -> Option<Duration> {
        match self {
            Self::AsDeclared => Some(every),
            Self::Every(other) => Some(other),
            Self::Off => None,
        }
    }
}

/// A rule and the function that it starts.
#[derive(Debug)]
pub struct Rule {
    /// The rule's name.
    pub name: String,
    /// Time between two starts.
    pub every: Duration,
    /// Whom it starts.
    pub function: Arc<Function>,
    /// What the function runs on.
    pub platform: Platform,
    /// The region in the event.
    pub region: String,
}

impl Rule {
    /// Starts the function once at once, so that a restart catches up without waiting, and then at each interval. A run
    /// that takes longer than the interval leaves out the starts that it overlaps.
    pub(super) async fn run(self, stopped: Stopped) {
        let mut interval = tokio::time::interval(self.every.max(Duration::from_millis(1)));
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let stop = stopped.wait();
        tokio::pin!(stop);
        loop {
            tokio::select! {
                _ = interval.tick() => {}
                () = &mut stop => return,
            }
            self.fire().await;
        }
    }

    /// Starts the function once and waits for its end.
    pub async fn fire(&self) {
        let event = event(&self.name, &self.region, self.platform.now());
        if let Err(failure) = self.function.call(self.platform.clone(), event).await {
            tracing::error!(function = self.function.name, %failure, "a scheduled run failed");
        }
    }
}

/// The event as EventBridge sends it.
fn event(rule: &str, region: &str, now: rules::Timestamp) -> Vec<u8> {
    // EventBridge gives whole seconds.
    let time = rules::Timestamp::from_millis(now.millis().div_euclid(1_000) * 1_000).rfc3339().replace(".000Z", "Z");
    json!({
        "version": "0",
        "id": Uuid::new_v4(),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "000000000000",
        "time": time,
        "region": region,
        "resources": [format!("arn:aws:events:{region}:000000000000:rule/{rule}")],
        "detail": {},
    })
    .to_string()
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use aws_lambda_events::event::eventbridge::EventBridgeEvent;

    use super::*;

    #[test]
    fn the_event_is_eventbridges() {
        let json = event("SweepFunction-EveryMinute", "us-east-1", rules::Timestamp::from_millis(1_700_000_000_123));
        let event: EventBridgeEvent = serde_json::from_slice(&json).unwrap();
        assert_eq!(event.detail_type, "Scheduled Event");
        assert_eq!(event.source, "aws.events");
        assert_eq!(event.time.unwrap().to_rfc3339(), "2023-11-14T22:13:20+00:00");
        let rule = "arn:aws:events:us-east-1:000000000000:rule/SweepFunction-EveryMinute";
        assert_eq!(event.resources.unwrap(), [rule]);
    }

    #[test]
    fn an_override_replaces_every_interval() {
        let minute = Duration::from_secs(60);
        assert_eq!(Schedules::AsDeclared.interval(minute), Some(minute));
        assert_eq!(Schedules::Every(Duration::from_millis(50)).interval(minute), Some(Duration::from_millis(50)));
        assert_eq!(Schedules::Off.interval(minute), None);
    }
}
