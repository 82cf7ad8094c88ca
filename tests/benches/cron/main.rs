//! Cron's figures: how late fires are in a local run under load, and what a tick costs by the number of schedules.
//!
//! `cargo bench -p tests --bench cron`; `BENCH_MINUTES=1 BENCH_SCHEDULES=10000` for a short form. It stops by itself.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a broken bench must stop")]

mod lateness;
mod scale;

fn number(variable: &str, default: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(scale::run(number("BENCH_SCHEDULES", 100_000)));
    runtime.block_on(lateness::run(number("BENCH_MINUTES", 6)));
}

/// The value at `share` of sorted milliseconds.
fn at(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted.get(((last as f64) * share).round() as usize).copied().unwrap_or(f64::NAN)
}
