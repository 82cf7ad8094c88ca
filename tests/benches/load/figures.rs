//! What was measured, as a row of the table.

use std::time::Duration;

use hdrhistogram::Histogram;

/// Counts and times of one run.
pub(crate) struct Figures {
    pub(crate) count: u64,
    pub(crate) errors: u64,
    pub(crate) length: Duration,
    pub(crate) micros: Histogram<u64>,
    pub(crate) cpu: Duration,
}

impl Figures {
    pub(crate) fn new() -> Self {
        Self { count: 0, errors: 0, length: Duration::ZERO, micros: Histogram::new(3).unwrap(), cpu: Duration::ZERO }
    }

    pub(crate) fn per_second(&self) -> f64 {
        self.count as f64 / self.length.as_secs_f64()
    }

    fn millis(&self, quantile: f64) -> f64 {
        self.micros.value_at_quantile(quantile) as f64 / 1000.0
    }

    /// CPU of the whole process, load included, per request.
    fn cpu_micros(&self) -> f64 {
        self.cpu.as_micros() as f64 / self.count.max(1) as f64
    }

    pub(crate) fn head() -> String {
        format!(
            "{:<10}{:>6}{:>10}{:>9}{:>9}{:>9}{:>12}{:>13}{:>10}{:>12}",
            "", "conns", "req/s", "p50 ms", "p99 ms", "errors", "CPU us/req", "bare req/s", "share", "Go req/s"
        )
    }

    /// `share` is ours over the bare engine's.
    pub(crate) fn row(&self, name: &str, connections: usize, bare: &Figures, go: &str) -> String {
        format!(
            "{:<10}{:>6}{:>10.0}{:>9.2}{:>9.2}{:>9}{:>12.0}{:>13.0}{:>9.0}%{:>12}",
            name,
            connections,
            self.per_second(),
            self.millis(0.5),
            self.millis(0.99),
            self.errors,
            self.cpu_micros(),
            bare.per_second(),
            100.0 * self.per_second() / bare.per_second(),
            go
        )
    }
}

/// CPU time of this process so far.
pub(crate) fn cpu() -> Duration {
    use nix::sys::resource::{UsageWho, getrusage};
    let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
    let of = |time: nix::sys::time::TimeVal| {
        Duration::from_micros(u64::try_from(time.tv_sec() * 1_000_000 + time.tv_usec()).unwrap_or(0))
    };
    of(usage.user_time()) + of(usage.system_time())
}
