//! Registration: tried until it works, and again when a heartbeat says that our token is no longer good.
//!
//! A register that fails once at boot must not leave a workspace deaf until somebody restarts it, so this never gives
//! up except when the workspace was removed. What the last tries came to goes into every heartbeat.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use reqwest::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::{sync::watch, time::sleep};
use tracing::{error, info, warn};

use crate::{
    backoff::Backoff,
    options::Mode,
    platform::{CallError, Registered},
    secret::Secret,
    secrets,
    state::{State, Stop},
};

/// A register that is wanted again so soon after the last one waits first.
const SETTLED_AFTER: Duration = Duration::from_secs(5);

/// What heartbeats report as `register_state`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RegisterState {
    /// The last try succeeded.
    pub ok: bool,
    /// The HTTP status of the last try; 0 if no answer came, absent before the first try ended.
    pub last_code: Option<u16>,
    /// Tries since the last success, that one not counted.
    pub attempts: u32,
}

/// Where registration stands, for the others to see and to ask for more.
#[derive(Debug)]
pub struct Registration {
    state: watch::Sender<RegisterState>,
    wanted: watch::Sender<bool>,
}

impl Default for Registration {
    fn default() -> Self {
        Self { state: watch::Sender::default(), wanted: watch::Sender::new(true) }
    }
}

impl Registration {
    /// What the last tries came to.
    pub fn state(&self) -> RegisterState {
        *self.state.borrow()
    }

    /// Asks for another register: our token was refused.
    pub fn want(&self) {
        self.wanted.send_replace(true);
    }

    fn failed(&self, code: u16) {
        self.state.send_modify(|state| {
            *state = RegisterState { ok: false, last_code: Some(code), attempts: state.attempts.saturating_add(1) };
        });
    }

    fn succeeded(&self) {
        self.state.send_replace(RegisterState { ok: true, last_code: Some(200), attempts: 0 });
        self.wanted.send_replace(false);
    }

    /// Waits for the end of the first try, whatever came of it.
    pub async fn tried(&self) {
        // The sender lives in `self`, so this cannot fail.
        let mut state = self.state.subscribe();
        let _ = state.wait_for(|state| state.last_code.is_some()).await;
    }

    async fn is_wanted(&self) {
        // The sender lives in `self`, so this cannot fail.
        let _ = self.wanted.subscribe().wait_for(|wanted| *wanted).await;
    }
}

/// Registers, and registers again whenever asked to. Returns when the workspace was removed or this program replaced.
pub async fn keep_registered(state: Arc<State>) {
    let mut backoff = Backoff::default();
    let mut last_success: Option<Instant> = None;
    loop {
        state.registration.is_wanted().await;
        if last_success.is_some_and(|at| at.elapsed() < SETTLED_AFTER) {
            sleep(backoff.next(None)).await;
        }
        match register(&state).await {
            Ok(()) => {
                if last_success.is_some_and(|at| at.elapsed() > SETTLED_AFTER) {
                    backoff.reset();
                }
                last_success = Some(Instant::now());
            }
            Err(_) if state.is_replaced() => return,
            Err(refusal) if refusal.status() == Some(StatusCode::GONE) => {
                state.registration.failed(StatusCode::GONE.as_u16());
                state.stop(Stop::Removed);
                return;
            }
            Err(failure) => {
                state.registration.failed(failure.status().map_or(0, |status| status.as_u16()));
                let pause = backoff.next(failure.retry_after());
                explain(&failure, pause);
                state.nudge_heartbeat();
                sleep(pause).await;
            }
        }
    }
}

/// One round: each token that might be right, until one is not answered with 401, or with the word that a newer generation
/// was started. A saved token may be a former generation's, whose folder this one got: then the given one is tried. But
/// whoever is refused so with what it was started with has been replaced.
async fn register(state: &Arc<State>) -> Result<(), CallError> {
    let body = request(state);
    let mut refused = CallError::Malformed("no token to try".to_owned());
    for token in state.credentials.candidates() {
        match state.platform.register(token.as_ref(), &body).await {
            Ok(registered) => {
                accept(state, token.as_ref(), registered).await;
                return Ok(());
            }
            Err(error) if error.status() == Some(StatusCode::UNAUTHORIZED) => refused = error,
            Err(error) if error.is_stale_generation() => {
                if state.credentials.is_last_resort(token.as_ref()) {
                    state.stop(Stop::Replaced);
                    return Err(error);
                }
                refused = error;
            }
            Err(error) if error.wants_shutdown() => {
                state.stop(Stop::Replaced);
                return Err(error);
            }
            Err(error) => return Err(error),
        }
    }
    Err(refused)
}

fn request(state: &State) -> Value {
    let mut request = json!({ "id": state.options.workspace, "agent_card": state.card });
    match state.options.mode {
        Mode::Push => {
            request["url"] = json!(state.url);
            request["delivery_mode"] = json!("push");
        }
        Mode::Poll => request["delivery_mode"] = json!("poll"),
    }
    request
}

async fn accept(state: &Arc<State>, used: Option<&Secret>, registered: Registered) {
    match registered.auth_token.map(Secret::from).filter(|token| !token.is_empty()) {
        // Writing the file waits for the disk, so it is done where nothing else has to wait.
        Some(token) => {
            let owner = Arc::clone(state);
            let saved = tokio::task::spawn_blocking(move || owner.credentials.save(&token)).await;
            if let Err(error) = saved {
                error!(%error, "saving the token failed");
            }
        }
        None => state.credentials.adopt(used),
    }
    // Before anybody can send a message, so that the first one needs not be refused.
    secrets::fetch_first(state).await;
    match registered.platform_inbound_secret.map(Secret::from).filter(|secret| !secret.is_empty()) {
        Some(secret) => state.accept_calls_with(secret),
        None => warn!("register's answer has no platform_inbound_secret; calls are refused until one comes"),
    }
    state.set_heartbeat_interval(registered.heartbeat_interval_seconds);
    state.set_heartbeat_url(registered.heartbeat_url.as_deref());
    state.registration.succeeded();
    info!(workspace = %state.options.workspace, url = %state.url, "registered");
    if registered.shutdown {
        state.stop(Stop::Asked);
    }
    state.nudge_heartbeat();
}

fn explain(failure: &CallError, pause: Duration) {
    let advice = match failure.status() {
        Some(StatusCode::NOT_FOUND) => "the platform does not know this workspace: create it, or correct --workspace",
        Some(StatusCode::UNAUTHORIZED) => {
            "none of the known tokens is accepted: have the workspace's credentials reset and set WORKSPACE_TOKEN"
        }
        Some(StatusCode::BAD_REQUEST) => "correct what it says; --url must be an address that the platform may call",
        Some(StatusCode::CONFLICT) => "the workspace is paused, or a newer instance of it runs",
        _ => "trying again",
    };
    warn!("register failed, next try in {:.1} s: {failure}; {advice}", pause.as_secs_f64());
}
