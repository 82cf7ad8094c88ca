//! The heartbeat: at its interval, and soon after each change of what is in hand. It has a task of its own and shares
//! nothing with turns but short locks, so that a busy workspace is not taken for a dead one.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until, timeout};
use tracing::{info, warn};

use crate::{
    backoff::Backoff,
    control,
    platform::{Beat, CallError},
    secret::Secret,
    state::{State, Stop},
};

/// Changes that come faster than this share a heartbeat.
const SHORTEST_GAP: Duration = Duration::from_millis(250);
/// How long the first register goes before the first heartbeat, which would show the workspace online at an address
/// that is not its own yet. A register that hangs holds heartbeats back no longer.
const REGISTER_FIRST: Duration = Duration::from_secs(5);

/// Beats until the workspace is removed. Starts when there is a token, or when register went through without one.
pub async fn keep_beating(state: Arc<State>) {
    while state.credentials.current().is_none() && !state.registration.state().ok {
        state.activity.changed().await;
    }
    let _ = timeout(REGISTER_FIRST, state.registration.tried()).await;
    let mut backoff = Backoff::default();
    loop {
        let sent = Instant::now();
        let wait = match beat(&state).await {
            Ok(()) => {
                backoff.reset();
                state.heartbeat_interval()
            }
            Err(_) if state.gone() => return,
            Err(failure) => {
                let pause = backoff.next(failure.retry_after()).min(state.heartbeat_interval());
                warn!("heartbeat failed, next try in {:.1} s: {failure}", pause.as_secs_f64());
                pause
            }
        };
        tokio::select! {
            () = sleep_until(sent + wait) => {}
            () = state.activity.changed() => {
                sleep_until(sent + SHORTEST_GAP.min(state.heartbeat_interval())).await;
            }
        }
    }
}

/// Sends one heartbeat and does what its answer says.
pub async fn beat(state: &State) -> Result<(), CallError> {
    let token = state.credentials.current();
    match send(state, token.as_ref()).await {
        Ok(answer) => {
            obey(state, &answer);
            Ok(())
        }
        Err(refusal) => {
            match refusal.status() {
                Some(StatusCode::UNAUTHORIZED) => {
                    if state.credentials.refresh(token.as_ref()) {
                        state.nudge_heartbeat();
                    } else {
                        info!("the token is no longer accepted; registering again");
                    }
                    state.registration.want();
                }
                Some(StatusCode::GONE) => state.stop(Stop::Removed),
                _ if refusal.is_stale_generation() || refusal.wants_shutdown() => state.stop(Stop::Replaced),
                _ => {}
            }
            Err(refusal)
        }
    }
}

/// To the address that register told, if it told one. Where that is not what answers heartbeats (any more), the platform's
/// own address does, until the next register.
async fn send(state: &State, token: Option<&Secret>) -> Result<Beat, CallError> {
    let body = request(state);
    let Some(url) = state.heartbeat_url() else { return state.platform.heartbeat(token, &body).await };
    match state.platform.heartbeat_at(url, token, &body).await {
        Err(failure) if is_no_way(&failure) => {
            warn!("heartbeats go to /registry/heartbeat again: register's heartbeat_url does not work: {failure}");
            let beat = state.platform.heartbeat(token, &body).await?;
            state.set_heartbeat_url(None);
            Ok(beat)
        }
        answered => answered,
    }
}

/// A failure that says more of the way than of the workspace.
fn is_no_way(failure: &CallError) -> bool {
    match failure {
        CallError::Unreachable(_) | CallError::Malformed(_) => true,
        CallError::Refused { status, .. } => matches!(*status, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND),
    }
}

fn obey(state: &State, answer: &Beat) {
    state.set_heartbeat_interval(answer.heartbeat_interval_seconds);
    for entry in &answer.control {
        control::obey(state, entry);
    }
    if answer.pending > 0 {
        state.pending.notify_one();
    }
    if answer.shutdown {
        state.stop(Stop::Asked);
    }
}

fn request(state: &State) -> Value {
    // The time comes first: a task that was accepted before it is in the report, so the platform may conclude from
    // "nothing in hand at that time" that it holds no answer of ours that is still to come.
    let sent_at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let report = state.activity.report();
    json!({
        "workspace_id": state.options.workspace,
        "error_rate": report.error_rate,
        "sample_error": state.secrets.complaint().unwrap_or(report.sample_error),
        "active_tasks": report.active_tasks,
        "uptime_seconds": state.started.elapsed().as_secs(),
        "current_task": report.current_task,
        "runtime_state": "",
        "runtime_metadata": {"capabilities": {"message_dedup": true}},
        "agent_card": state.card,
        "register_state": state.registration.state(),
        "sent_at_ms": u64::try_from(sent_at.as_millis()).unwrap_or(u64::MAX),
    })
}
