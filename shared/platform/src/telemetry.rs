//! Logs: JSON lines on Lambda, as `AWS_LAMBDA_LOG_FORMAT` and `AWS_LAMBDA_LOG_LEVEL` ask.

use std::sync::OnceLock;

use tracing_subscriber::EnvFilter;

/// Installs the subscriber of a Lambda function.
pub fn init() {
    let level = std::env::var("AWS_LAMBDA_LOG_LEVEL").unwrap_or_else(|_| "info".to_owned());
    let filter = EnvFilter::try_new(level.to_ascii_lowercase()).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_target(false).with_ansi(false);
    if std::env::var("AWS_LAMBDA_LOG_FORMAT").is_ok_and(|format| format.eq_ignore_ascii_case("json")) {
        builder.json().flatten_event(true).without_time().init();
    } else {
        builder.without_time().init();
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
