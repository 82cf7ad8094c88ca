//! What the parts of one running workspace share.

use std::{
    io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use reqwest::Url;
use serde_json::Value;
use tokio::sync::{Notify, watch};
use tracing::{info, warn};

use crate::{
    activity::Activity, card::agent_card, children::Children, credentials::Credentials, options::Options,
    platform::Platform, registration::Registration, secret::Secret, secrets::Secrets, turns::Turns,
};

/// No platform may ask for heartbeats closer than this.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);
/// Nor for longer pauses, since a lease that is not renewed for so long has ended anyway.
const LONGEST_INTERVAL: Duration = Duration::from_secs(3600);

/// Why the platform wants this program to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// An answer said `"shutdown": true`.
    Asked,
    /// An answer was 410: the workspace was removed, and nothing that we could still say would be heard.
    Removed,
    /// A newer generation of the workspace was started: this one's turns are nobody's any more.
    Replaced,
}

/// One running workspace.
#[derive(Debug)]
pub struct State {
    /// What the program was told.
    pub options: Options,
    /// The URL that is registered.
    pub url: String,
    /// The agent card.
    pub card: Value,
    /// When the program started.
    pub started: Instant,
    /// The platform's client.
    pub platform: Platform,
    /// Our bearer tokens.
    pub credentials: Credentials,
    /// Where registration stands.
    pub registration: Registration,
    /// The workspace's secrets, for its commands.
    pub secrets: Secrets,
    /// What heartbeats report.
    pub activity: Arc<Activity>,
    /// The turns that run, and the outcomes of those that ran.
    pub turns: Turns,
    /// Told by heartbeats that messages wait to be fetched.
    pub pending: Notify,
    /// The process groups of the turns that run.
    pub children: Children,
    /// The last request about turns that was obeyed: its kind and its time.
    obeyed: Mutex<Option<(String, String)>>,
    inbound: watch::Sender<Option<Secret>>,
    interval: watch::Sender<Duration>,
    /// Where heartbeats go, if not to the platform's own address.
    heartbeat_url: Mutex<Option<Url>>,
    stop: watch::Sender<Option<Stop>>,
}

/// Why a workspace cannot start.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The HTTP client cannot be built.
    #[error("the HTTP client cannot be set up: {0}")]
    Client(#[from] reqwest::Error),
    /// The token file is there and cannot be read.
    #[error("cannot read the token file {}: {source}; make it readable, or leave out --token-file", path.display())]
    TokenFile {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
}

impl State {
    /// The state at start, for a workspace that is reachable at `url`.
    pub fn new(options: Options, url: String) -> Result<Self, SetupError> {
        let credentials = Credentials::load(options.token_file.clone(), options.token.clone())
            .map_err(|source| SetupError::TokenFile { path: options.token_file.clone().unwrap_or_default(), source })?;
        let turns = Turns::new(options.max_concurrent);
        // Until the secrets are there: no turn runs without them.
        turns.hold();
        Ok(Self {
            card: agent_card(&options, &url),
            started: Instant::now(),
            platform: Platform::new(&options.platform)?,
            credentials,
            registration: Registration::default(),
            secrets: Secrets::default(),
            activity: Arc::default(),
            turns,
            pending: Notify::new(),
            children: Children::default(),
            obeyed: Mutex::default(),
            inbound: watch::Sender::new(None),
            interval: watch::Sender::new(options.heartbeat_interval.clamp(SHORTEST_INTERVAL, LONGEST_INTERVAL)),
            heartbeat_url: Mutex::default(),
            stop: watch::Sender::new(None),
            url,
            options,
        })
    }

    /// What calls to us must carry; none before the first register.
    pub fn inbound_secret(&self) -> Option<Secret> {
        self.inbound.borrow().clone()
    }

    /// From now on calls must carry this secret.
    pub fn accept_calls_with(&self, secret: Secret) {
        self.inbound.send_replace(Some(secret));
    }

    /// The pause between heartbeats.
    pub fn heartbeat_interval(&self) -> Duration {
        *self.interval.borrow()
    }

    /// Takes over the platform's wish, if there is one that makes sense.
    pub fn set_heartbeat_interval(&self, seconds: Option<f64>) {
        let Some(seconds) = seconds else { return };
        match Duration::try_from_secs_f64(seconds) {
            Ok(wish) if !wish.is_zero() => {
                self.interval.send_replace(wish.clamp(SHORTEST_INTERVAL, LONGEST_INTERVAL));
            }
            _ => warn!(seconds, "the platform's heartbeat interval makes no sense and is ignored"),
        }
    }

    /// Where heartbeats go, if not to the platform's own address.
    pub fn heartbeat_url(&self) -> Option<Url> {
        self.heartbeat_url.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes over the address that register told, or none.
    pub fn set_heartbeat_url(&self, told: Option<&str>) {
        let url = told.and_then(|told| {
            let url = self.platform.heartbeat_url(told);
            if url.is_none() {
                warn!("register's heartbeat_url is no address for a token; heartbeats go to /registry/heartbeat");
            }
            url
        });
        *self.heartbeat_url.lock().unwrap_or_else(PoisonError::into_inner) = url;
    }

    /// Asks for a heartbeat now.
    pub fn nudge_heartbeat(&self) {
        self.activity.nudge();
    }

    /// Whether a request about turns comes for the first time. They come again with each heartbeat until the turn is over.
    pub fn first_time(&self, kind: &str, at: &str) -> bool {
        let mut obeyed = self.obeyed.lock().unwrap_or_else(PoisonError::into_inner);
        let request = Some((kind.to_owned(), at.to_owned()));
        let first = *obeyed != request;
        *obeyed = request;
        first
    }

    /// Ends the program once the turns in hand are done, or at once if it was replaced. Removal and replacement are final;
    /// a wish to end repeated is one wish.
    pub fn stop(&self, stop: Stop) {
        self.stop.send_if_modified(|current| {
            let news = current.is_none_or(|current| current == Stop::Asked && stop != Stop::Asked);
            if news {
                // Said before anybody can see it: the program may end at once.
                match stop {
                    Stop::Asked => info!("the platform asked this workspace to end"),
                    Stop::Removed => info!("the platform removed this workspace (410); ending"),
                    Stop::Replaced => info!(
                        "a newer generation of this workspace was started (409 stale_generation): this one was replaced; \
                         ending at once"
                    ),
                }
                *current = Some(stop);
            }
            news
        });
    }

    /// Whether the workspace was removed, or this program replaced: there is nothing more to say.
    pub fn gone(&self) -> bool {
        self.stop.borrow().is_some_and(|stop| stop != Stop::Asked)
    }

    /// Whether a newer generation was started.
    pub fn is_replaced(&self) -> bool {
        *self.stop.borrow() == Some(Stop::Replaced)
    }

    /// Waits until a newer generation was started.
    pub async fn replaced(&self) {
        // The sender lives in `self`, so this cannot fail.
        let _ = self.stop.subscribe().wait_for(|stop| *stop == Some(Stop::Replaced)).await;
    }

    /// Waits until the platform wants this program to end.
    pub async fn stopped(&self) {
        // The sender lives in `self`, so this cannot fail.
        let _ = self.stop.subscribe().wait_for(Option::is_some).await;
    }
}
