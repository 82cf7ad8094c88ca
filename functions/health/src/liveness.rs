//! `GET /admin/liveness`.

use platform::openapi::Refusals;
use platform::store::Tick;
use platform::{Call, Platform, Reply, Result};
use rules::Timestamp;
use rules::liveness::is_stale;
use serde_json::{Map, Value, json};

use crate::openapi;

/// Takes nothing; answers operators with 200 `{"subsystems":{"<name>":{"last_tick_at","seconds_ago","stale"}},
/// "control_plane_suspect"}`. A subsystem that never ran is not listed. `control_plane_suspect`: a sweep saw so many leases
/// run out at once that it holds the platform, not the agents, at fault, and touched none of them.
///
/// # Errors
/// 401; 403 a workspace's token; 503.
#[utoipa::path(
    get,
    path = "/admin/liveness",
    operation_id = "get_liveness",
    responses((status = 200, description = "Each sweep", body = openapi::Liveness), Refusals<401, 403, 503>),
    security(("operator" = [])),
)]
pub(crate) async fn liveness(platform: Platform, call: Call) -> Result<Reply> {
    platform.operator(&call).await?;
    let ticks = platform.store.ticks().await?;
    Ok(Reply::ok(&shown(&ticks, platform.now())))
}

fn shown(ticks: &[Tick], now: Timestamp) -> Value {
    let subsystems: Map<String, Value> = ticks
        .iter()
        .map(|tick| {
            let told = json!({
                "last_tick_at": tick.at.rfc3339(),
                "seconds_ago": now.since(tick.at).as_secs(),
                "stale": is_stale(tick.at, now),
            });
            (tick.name.clone(), told)
        })
        .collect();
    let suspect = ticks.iter().any(|tick| tick.suspect);
    json!({ "subsystems": subsystems, "control_plane_suspect": suspect })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tick(name: &str, at: i64, suspect: bool) -> Tick {
        Tick { name: name.to_owned(), at: Timestamp::from_millis(at), suspect }
    }

    #[test]
    fn each_subsystem_with_its_age() {
        let now = Timestamp::from_millis(1_000_000);
        let told = shown(&[tick("sweep", 970_500, false), tick("scheduler", 800_000, false)], now);
        let expected = json!({
            "subsystems": {
                "sweep": { "last_tick_at": "1970-01-01T00:16:10.500Z", "seconds_ago": 29, "stale": false },
                "scheduler": { "last_tick_at": "1970-01-01T00:13:20.000Z", "seconds_ago": 200, "stale": true },
            },
            "control_plane_suspect": false,
        });
        assert_eq!(told, expected);
    }

    #[test]
    fn one_suspicion_is_enough_and_nothing_is_an_empty_object() {
        let now = Timestamp::from_millis(1_000_000);
        assert_eq!(shown(&[], now), json!({ "subsystems": {}, "control_plane_suspect": false }));
        let told = shown(&[tick("a", 0, false), tick("sweep", 1, true)], now);
        assert_eq!(told["control_plane_suspect"], true);
    }
}
