//! `POST /registry/heartbeat`: proof of life, in one DynamoDB request while nothing changes.

mod beat;
mod openapi;
mod slow;
mod work;

pub use openapi::openapi;
use platform::openapi::Refusals;
use platform::store::Renewal;
use platform::{Call, Platform, Reply, Result, Router};
use rules::Status;
use rules::delivery::DeliveryMode;
use rules::ladder::Ladder;
use serde_json::json;

use crate::beat::Heartbeat;

/// The routes of this function.
pub fn router() -> Router {
    Router::new().route("POST /registry/heartbeat", heartbeat)
}

/// 200 `{"status":"ok","workspace_status","delivery_mode","pending","server_time","heartbeat_interval_seconds"}`, and while a
/// turn runs too long `control: [{"kind":"checkpoint_and_exit|cancel|restart","queue_id"?,"at","grace_seconds","reason"}]`.
///
/// A steady beat renews a live lease of an online workspace in one conditional update, whose old image also says whether
/// there is work to look after. Whatever else it is, the slow path looks at the record.
///
/// # Errors
/// 400 malformed; 401 no or another's token; 403 an API token; 404 unknown; 409 `stale_generation`; 410 removed.
#[utoipa::path(
    post,
    path = "/registry/heartbeat",
    operation_id = "heartbeat",
    request_body = beat::Body,
    responses(
        (status = 200, description = "How the workspace stands", body = openapi::Standing),
        Refusals<400, 401, 403, 404, 409, 410, 503>,
    ),
    security(("runtime" = [])),
)]
async fn heartbeat(platform: Platform, call: Call) -> Result<Reply> {
    let now = platform.now();
    let heartbeat = Heartbeat::read(&call, now)?;
    let digest = call.bearer().map(platform::entropy::digest);
    if heartbeat.beat.is_steady() {
        let until = now + platform.config.liveness_ttl;
        let spend = heartbeat.monthly_spend;
        let renewal = platform
            .store
            .renew_lease(heartbeat.workspace_id, digest.as_deref(), &heartbeat.beat, spend, until)
            .await?;
        if let Renewal::Renewed(lease) = renewal
            && !lease.control
        {
            let work = work::look_after(&platform, &heartbeat, Status::Online, &lease).await?;
            if !work.starved {
                return Ok(answer(&platform, Status::Online, lease.delivery_mode, work.pending, None));
            }
        }
    }
    slow::heartbeat(&platform, &heartbeat, digest.as_deref()).await
}

/// Tells the agent how it stands.
fn answer(platform: &Platform, status: Status, mode: DeliveryMode, pending: u32, ladder: Option<&Ladder>) -> Reply {
    let mut told = json!({
        "status": "ok",
        "workspace_status": status,
        "delivery_mode": mode,
        "pending": pending,
        "server_time": platform.now().rfc3339(),
        "heartbeat_interval_seconds": platform.config.heartbeat_interval.as_secs_f64(),
    });
    if let Some(ladder) = ladder {
        told["control"] = json!([ladder.request(platform.turn_limits())]);
    }
    Reply::ok(&told)
}
