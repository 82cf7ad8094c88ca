//! Counters of requests: `molecule_http_requests_total` and `molecule_http_request_duration_seconds_total`.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use metrics::{Counter, Gauge, counter, gauge};

/// The counters of one route, by status.
///
/// A handle of a counter is found once and kept: finding it costs more than the counting.
pub(super) struct RouteMetrics {
    method: String,
    path: String,
    by_status: RwLock<HashMap<u16, (Counter, Gauge)>>,
}

impl RouteMetrics {
    pub(super) fn new(method: &str, path: &str) -> Self {
        Self { method: method.to_owned(), path: path.to_owned(), by_status: RwLock::default() }
    }

    /// Counts a request and its time.
    pub(super) fn count(&self, status: u16, took: Duration) {
        if let Some((requests, seconds)) = self.by_status.read().unwrap_or_else(PoisonError::into_inner).get(&status) {
            requests.increment(1);
            seconds.increment(took.as_secs_f64());
            return;
        }
        let labels = [("method", self.method.clone()), ("path", self.path.clone()), ("status", status.to_string())];
        let requests = counter!(crate::metrics::REQUESTS, &labels);
        // The facade's counters are whole numbers. A gauge that only rises is a counter of seconds.
        let seconds = gauge!(crate::metrics::SECONDS, &labels);
        requests.increment(1);
        seconds.increment(took.as_secs_f64());
        self.by_status.write().unwrap_or_else(PoisonError::into_inner).insert(status, (requests, seconds));
    }
}

impl std::fmt::Debug for RouteMetrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RouteMetrics").field("method", &self.method).field("path", &self.path).finish_non_exhaustive()
    }
}
