//! Logs: JSON lines on Lambda, as `AWS_LAMBDA_LOG_FORMAT` and `AWS_LAMBDA_LOG_LEVEL` ask.

use std::sync::OnceLock;

use tracing_subscriber::filter::LevelFilter;

/// Installs the subscriber of a Lambda function.
pub fn init() {
    let level = level(std::env::var("AWS_LAMBDA_LOG_LEVEL").as_deref().unwrap_or_default());
    let builder = tracing_subscriber::fmt().with_max_level(level).with_target(false).with_ansi(false);
    if std::env::var("AWS_LAMBDA_LOG_FORMAT").is_ok_and(|format| format.eq_ignore_ascii_case("json")) {
        builder.json().flatten_event(true).without_time().init();
    } else {
        builder.without_time().init();
    }
}

/// The level of a name, as Lambda has them: <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html>.
fn level(name: &str) -> LevelFilter {
    match name.to_ascii_uppercase().as_str() {
        "TRACE" => LevelFilter::TRACE,
        "DEBUG" => LevelFilter::DEBUG,
        "WARN" => LevelFilter::WARN,
        "ERROR" | "FATAL" => LevelFilter::ERROR,
        _ => LevelFilter::INFO,
    }
}

type Render = Box<dyn Fn() -> String + Send + Sync>;

static METRICS: OnceLock<Render> = OnceLock::new();

/// Says how this process's metrics read as Prometheus text. Where nobody does, as on Lambda, there are none to read.
/// The first one stays.
pub fn install_metrics(render: impl Fn() -> String + Send + Sync + 'static) {
    let _ = METRICS.set(Box::new(render));
}

/// This process's metrics as Prometheus text.
pub fn render_metrics() -> Option<String> {
    METRICS.get().map(|render| render())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lambdas_levels_have_their_names_and_what_is_none_of_them_means_info() {
        for (name, expected) in [
            ("TRACE", LevelFilter::TRACE),
            ("debug", LevelFilter::DEBUG),
            ("Info", LevelFilter::INFO),
            ("WARN", LevelFilter::WARN),
            ("ERROR", LevelFilter::ERROR),
            ("FATAL", LevelFilter::ERROR),
            ("", LevelFilter::INFO),
            ("platform=debug", LevelFilter::INFO),
        ] {
            assert_eq!(level(name), expected, "{name:?}");
        }
    }
}
