//! Prometheus metrics of this process, for `GET /metrics`.

use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// Requests by method, path and status.
pub(crate) const REQUESTS: &str = "molecule_http_requests_total";
/// Their seconds, summed.
pub(crate) const SECONDS: &str = "molecule_http_request_duration_seconds_total";

/// How often what histograms have collected is folded up.
const UPKEEP: Duration = Duration::from_secs(10);

static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();

/// Starts collecting, once in a process; platforms in one process share their metrics, as functions on one account do.
pub(crate) fn install() {
    HANDLE.get_or_init(|| {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::debug!("another recorder of metrics is installed; it stays");
        }
        metrics::describe_counter!(REQUESTS, "Requests by method, route and status.");
        metrics::describe_gauge!(SECONDS, "Time spent on requests, in seconds.");
        platform::measures::describe();
        let rendering = handle.clone();
        platform::telemetry::install_metrics(move || render(&rendering));
        handle
    });
}

/// Keeps the collected in bounds for as long as it is polled.
pub(crate) async fn upkeep() {
    let mut interval = tokio::time::interval(UPKEEP);
    loop {
        interval.tick().await;
        if let Some(handle) = HANDLE.get() {
            handle.run_upkeep();
        }
    }
}

fn render(handle: &PrometheusHandle) -> String {
    // It only ever rises, and is a gauge to the facade for the sake of its fractions.
    handle.render().replace(&format!("# TYPE {SECONDS} gauge"), &format!("# TYPE {SECONDS} counter"))
}
