//! How the fleet is doing, in numbers: ten series, and none names a workspace, for each would be paid for. On Lambda they go
//! out as log lines of CloudWatch's embedded metric format (namespace `Molecule`, dimension `stack`); the local run shows
//! the same at `/metrics`.

use std::sync::OnceLock;
use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_cloudwatch_embedded::{Builder, Collector};
use rules::event::EventType;

/// Age of the oldest message that waits though its agent could be called, as the last sweep saw it.
const QUEUE_AGE: &str = "molecule_queue_age_seconds";
/// From accepted, or from when it was wanted, to in its agent's hands.
const DRAIN: &str = "molecule_drain_seconds";
/// From a fire's due second to the turn in the queue.
const LATENESS: &str = "molecule_fire_lateness_seconds";
/// Fires that got their turn.
const FIRES: &str = "molecule_fires_total";
/// Nominal fires that got none; coverage is the share of the others.
const FIRES_LEFT_OUT: &str = "molecule_fires_left_out_total";
/// Workspaces that came to a status, `to`.
const STATUS_CHANGES: &str = "molecule_status_changes_total";
/// Generations that were begun anew, wakes and resumes not counted.
const RESTARTS: &str = "molecule_restarts_total";

/// Namespace of the metrics in CloudWatch.
const NAMESPACE: &str = "Molecule";
/// Their only dimension besides `to`.
const STACK: &str = "stack";

static EMBEDDED: OnceLock<&'static Collector> = OnceLock::new();

/// Says what each metric is, to whatever collects them in this process.
pub fn describe() {
    describe_gauge!(QUEUE_AGE, Unit::Seconds, "Age of the oldest message that waits though its agent could be called.");
    describe_histogram!(DRAIN, Unit::Seconds, "From accepted, or from when it was wanted, to in its agent's hands.");
    describe_histogram!(LATENESS, Unit::Seconds, "From a fire's due second to its turn in the queue.");
    describe_counter!(FIRES, Unit::Count, "Fires that got their turn.");
    describe_counter!(
        FIRES_LEFT_OUT,
        Unit::Count,
        "Nominal fires that got no turn; coverage is the share of the others."
    );
    describe_counter!(STATUS_CHANGES, Unit::Count, "Workspaces that came to a status.");
    describe_counter!(RESTARTS, Unit::Count, "Generations that were begun anew, wakes and resumes not counted.");
}

/// Collects for CloudWatch; what is collected goes out with [`flush`]. Once in a process, and only on Lambda.
pub(crate) fn install(stack: &str) {
    match Builder::new().cloudwatch_namespace(NAMESPACE).with_dimension(STACK, stack.to_owned()).init() {
        Ok(collector) => {
            describe();
            let _ = EMBEDDED.set(collector);
        }
        Err(error) => tracing::warn!(%error, "no metrics: another recorder is installed"),
    }
}

/// Writes out what was collected since the last time; nothing where nothing was.
pub(crate) fn flush() {
    if let Some(collector) = EMBEDDED.get()
        && let Err(error) = collector.flush(std::io::stdout().lock())
    {
        tracing::warn!(%error, "metrics not written");
    }
}

/// The sweep has looked at every queue; the oldest message that waits without need is this old.
pub fn oldest_waiting(age: Duration) {
    gauge!(QUEUE_AGE).set(age.as_secs_f64());
}

/// A message has got into its agent's hands after this wait.
pub(crate) fn handed_over(waited: Duration) {
    histogram!(DRAIN).record(waited.as_secs_f64());
}

/// A fire has got its turn, so late.
pub(crate) fn fired(late: Duration) {
    counter!(FIRES).increment(1);
    histogram!(LATENESS).record(late.as_secs_f64());
}

/// So many nominal fires got no turn.
pub(crate) fn left_out(fires: u64) {
    counter!(FIRES_LEFT_OUT).increment(fires);
}

/// A generation was begun anew.
pub(crate) fn restarted() {
    counter!(RESTARTS).increment(1);
}

/// An event was told; some say what became of a workspace.
pub(crate) fn told(event: EventType) {
    if let Some(to) = status_of(event) {
        counter!(STATUS_CHANGES, "to" => to).increment(1);
    }
}

/// The statuses that are worth their price.
fn status_of(event: EventType) -> Option<&'static str> {
    match event {
        EventType::WorkspaceOnline => Some("online"),
        EventType::WorkspaceDegraded => Some("degraded"),
        EventType::WorkspaceOffline => Some("offline"),
        EventType::WorkspaceProvisionFailed => Some("failed"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One process has one recorder, so this is one test.
    #[test]
    fn what_is_measured_goes_out_in_cloudwatch_s_format_and_names_no_workspace() {
        install("mine");
        flush();
        oldest_waiting(Duration::from_millis(1500));
        handed_over(Duration::from_millis(20));
        fired(Duration::from_millis(300));
        left_out(3);
        restarted();
        for event in [EventType::WorkspaceOnline, EventType::WorkspaceOffline, EventType::WorkspaceRemoved] {
            told(event);
        }
        told(EventType::WorkspaceDegraded);
        told(EventType::WorkspaceProvisionFailed);
        let mut written = Vec::new();
        EMBEDDED.get().unwrap().flush(&mut written).unwrap();
        let documents: Vec<serde_json::Value> =
            String::from_utf8(written).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();

        let mut series = 0;
        for document in &documents {
            let directive = &document["_aws"]["CloudWatchMetrics"][0];
            assert_eq!(directive["Namespace"], "Molecule");
            let dimensions = directive["Dimensions"][0].as_array().unwrap();
            assert!(dimensions.iter().all(|name| name == "stack" || name == "to"), "{dimensions:?}");
            assert_eq!(document["stack"], "mine");
            series += directive["Metrics"].as_array().unwrap().len();
        }
        assert_eq!(series, 10, "each series is 0.30 USD a month: {documents:#?}");
        let plain = documents.iter().find(|document| document["to"].is_null()).unwrap();
        assert_eq!(plain["molecule_queue_age_seconds"], 1.5);
        assert_eq!(plain["molecule_fires_left_out_total"], 3);
        let online = documents.iter().find(|document| document["to"] == "online").unwrap();
        assert_eq!(online["molecule_status_changes_total"], 1);
    }
}
