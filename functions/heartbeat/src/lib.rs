//! `POST /registry/heartbeat`: proof of life, in one DynamoDB request while nothing changes.

mod beat;
mod slow;

use platform::store::Renewal;
use platform::{Call, Platform, Reply, Result, Router};
use rules::Status;
use rules::lease::Lease;
use serde_json::json;

use crate::beat::Heartbeat;

/// The routes of this function.
pub fn router() -> Router {
    Router::new().route("POST /registry/heartbeat", heartbeat)
}

/// 200 `{"status":"ok","workspace_status","delivery_mode","pending","server_time","heartbeat_interval_seconds"}`.
///
/// A steady beat renews a live lease of an online workspace in one conditional update, whose old image also says whether
/// there is work to wake for. Whatever else it is, the slow path looks at the record.
///
/// # Errors
/// 400 malformed; 401 no or another's token; 403 an API token; 404 unknown; 409 `stale_generation`; 410 removed.
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
            return answer(&platform, &heartbeat, Status::Online, &lease).await;
        }
    }
    slow::heartbeat(&platform, &heartbeat, digest.as_deref()).await
}

/// Wakes the drain where there is work and room for it, and tells the agent how it stands.
async fn answer(platform: &Platform, heartbeat: &Heartbeat, status: Status, lease: &Lease) -> Result<Reply> {
    let mut pending = 0;
    if lease.work && status.is_dispatchable() {
        if heartbeat.beat.active_tasks < lease.max_concurrent_tasks {
            platform.wake_drain(heartbeat.workspace_id).await;
        }
        pending = platform.store.open_count(heartbeat.workspace_id).await?;
    }
    Ok(Reply::ok(&json!({
        "status": "ok",
        "workspace_status": status,
        "delivery_mode": lease.delivery_mode,
        "pending": pending,
        "server_time": platform.now().rfc3339(),
        "heartbeat_interval_seconds": platform.config.heartbeat_interval.as_secs_f64(),
    })))
}
