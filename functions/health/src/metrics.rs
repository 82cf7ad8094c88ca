//! `GET /metrics`.

use lambda_http::http::StatusCode;
use platform::openapi::Refusals;
use platform::{Call, Platform, Problem, Reply, Result, telemetry};

/// The version of Prometheus's text format.
const PROMETHEUS_TEXT: &str = "text/plain; version=0.0.4";

/// Open, as scrapers expect; answers 200 with Prometheus text. The metrics name no workspace.
///
/// # Errors
/// 501 `no_metrics` where nobody collects them in the process: on AWS they are in CloudWatch.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "get_metrics",
    responses(
        (status = 200, description = "Prometheus text", body = String, content_type = "text/plain"),
        Refusals<501>,
    ),
)]
pub(crate) async fn metrics(_platform: Platform, _call: Call) -> Result<Reply> {
    let text = telemetry::render_metrics().ok_or_else(not_collected)?;
    Ok(Reply::raw(StatusCode::OK, PROMETHEUS_TEXT, text))
}

fn not_collected() -> Problem {
    let message = "this process collects no metrics; on AWS read them in CloudWatch";
    Problem::new(StatusCode::NOT_IMPLEMENTED, "no_metrics", message)
}
