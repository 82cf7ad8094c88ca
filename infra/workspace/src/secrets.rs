//! The workspace's secrets: fetched after each register, and given to the commands as variables. No turn starts before
//! they came once; after that a turn runs with the last that came.
//!
//! Their values are in no log line and in no error, also where a command that fails printed one. What a command answers is
//! its own business.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use reqwest::StatusCode;
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};
use tracing::{info, warn};

use crate::{
    backoff::Backoff,
    platform::CallError,
    secret::Secret,
    state::{State, Stop},
};

/// How long register waits for the first fetch.
const FIRST: Duration = Duration::from_secs(2);
/// A failure that lasts longer is told in heartbeats. Until then the workspace is merely busy.
const PATIENCE: Duration = Duration::from_secs(60);
/// What no secret may set: variables of this runtime, and those by which a program finds what it runs.
const RESERVED: [&str; 13] = [
    "PLATFORM_URL",
    "TIER",
    "ADMIN_TOKEN",
    "SECRETS_ENCRYPTION_KEY",
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "PWD",
    "IFS",
    "ENV",
    "BASH_ENV",
];
const RESERVED_PREFIXES: [&str; 5] = ["WORKSPACE_", "MOLECULE_", "A2A_", "LD_", "DYLD_"];

/// Variables by name.
pub type Variables = BTreeMap<String, Secret>;

/// What is known of them.
#[derive(Debug, Default)]
pub struct Secrets {
    inner: Mutex<Inner>,
    wanted: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    /// None before the first fetch.
    variables: Option<Arc<Variables>>,
    /// Since when fetches fail, and how the last one did.
    failing: Option<(Instant, String)>,
}

impl Secrets {
    /// The variables of a command.
    pub fn variables(&self) -> Arc<Variables> {
        self.lock().variables.clone().unwrap_or_default()
    }

    /// A text that becomes part of an error, without the values: each is `[REDACTED:<KEY>]`.
    pub fn redacted(&self, text: &str) -> String {
        let variables = self.variables();
        rules::secret::redact(text, variables.iter().map(|(name, value)| (name.as_str(), value.reveal())))
    }

    /// As [`Secrets::redacted`], for the end of a longer text.
    pub fn redacted_end(&self, text: &str) -> String {
        let variables = self.variables();
        rules::secret::redact_end(text, variables.iter().map(|(name, value)| (name.as_str(), value.reveal())))
    }

    /// They came once.
    pub fn are_known(&self) -> bool {
        self.lock().variables.is_some()
    }

    /// What a heartbeat is to say of them, if something is.
    pub fn complaint(&self) -> Option<String> {
        self.lock().complaint(Instant::now())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Each critical section is one assignment, so a poisoned lock is as good as any.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn complaint(&self, now: Instant) -> Option<String> {
        let (since, failure) = self.failing.as_ref()?;
        let lasts = now.duration_since(*since);
        (lasts > PATIENCE).then(|| format!("its secrets cannot be fetched for {} s: {failure}", lasts.as_secs()))
    }
}

/// Fetches after a register, which waits for it a little; what takes longer goes on by itself.
pub async fn fetch_first(state: &State) {
    if !matches!(timeout(FIRST, fetch(state)).await, Ok(Ok(()))) {
        state.secrets.wanted.notify_one();
    }
}

/// Fetches whenever it is wanted, until it works.
pub async fn keep_fetching(state: Arc<State>) {
    loop {
        state.secrets.wanted.notified().await;
        let mut backoff = Backoff::default();
        while let Err(failure) = fetch(&state).await {
            if state.gone() {
                return;
            }
            let pause = backoff.next(failure.retry_after());
            warn!("the secrets could not be fetched, next try in {:.1} s: {}", pause.as_secs_f64(), told(&failure));
            sleep(pause).await;
        }
    }
}

async fn fetch(state: &State) -> Result<(), CallError> {
    let token = state.credentials.current();
    match state.platform.secrets(token.as_ref(), state.options.workspace).await {
        Ok(values) => take(state, values),
        // A platform that knows no secrets has none to give.
        Err(refusal) if refusal.status() == Some(StatusCode::NOT_FOUND) => take(state, BTreeMap::new()),
        Err(failure) => {
            let mut inner = state.secrets.lock();
            let since = inner.failing.as_ref().map_or_else(Instant::now, |(since, _)| *since);
            inner.failing = Some((since, told(&failure)));
            drop(inner);
            match failure.status() {
                Some(StatusCode::GONE) => state.stop(Stop::Removed),
                Some(StatusCode::UNAUTHORIZED) if !state.credentials.refresh(token.as_ref()) => {
                    state.registration.want();
                }
                _ if failure.is_stale_generation() => state.stop(Stop::Replaced),
                _ => {}
            }
            return Err(failure);
        }
    }
    Ok(())
}

fn take(state: &State, values: BTreeMap<String, Secret>) {
    let (taken, ignored): (Variables, Variables) = values.into_iter().partition(|(name, value)| may_set(name, value));
    let names =
        |variables: &Variables| variables.keys().map(|name| name.escape_default().to_string()).collect::<Vec<_>>();
    if !ignored.is_empty() {
        warn!(names = ?names(&ignored), "these secrets cannot be variables of a command and are ignored");
    }
    if !taken.is_empty() {
        info!(names = ?names(&taken), "got the secrets");
    }
    let mut inner = state.secrets.lock();
    inner.variables = Some(Arc::new(taken));
    inner.failing = None;
    drop(inner);
    state.turns.release();
}

/// Whether it can and may be a variable of a command.
fn may_set(name: &str, value: &Secret) -> bool {
    let possible = !name.is_empty() && !name.contains(['=', '\0']) && !value.reveal().contains('\0');
    let upper = name.to_ascii_uppercase();
    let reserved =
        RESERVED.contains(&upper.as_str()) || RESERVED_PREFIXES.iter().any(|prefix| upper.starts_with(prefix));
    possible && !reserved
}

/// A failure without the platform's own words: on this route they might say what they should not.
fn told(failure: &CallError) -> String {
    match failure {
        CallError::Refused { status, code, .. } => {
            let code = code.as_deref().map(|code| format!(" ({})", code.escape_default())).unwrap_or_default();
            format!("the platform answered {status}{code}")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_runtime_or_of_the_system_can_be_set() {
        let value = Secret::from("x".to_owned());
        for name in ["OPENAI_API_KEY", "HTTP_PROXY", "a", "HOMEPAGE", "TIERS"] {
            assert!(may_set(name, &value), "{name}");
        }
        for name in ["WORKSPACE_ID", "workspace_id", "MOLECULE_URL", "PLATFORM_URL", "A2A_CALLER", "TIER", "PATH"] {
            assert!(!may_set(name, &value), "{name}");
        }
        for name in ["LD_PRELOAD", "DYLD_INSERT_LIBRARIES", "HOME", "BASH_ENV", "", "a=b", "a\0"] {
            assert!(!may_set(name, &value), "{name:?}");
        }
        assert!(!may_set("A", &Secret::from("x\0y".to_owned())));
    }

    #[test]
    fn values_are_taken_out_of_what_becomes_an_error() {
        let secrets = Secrets::default();
        assert_eq!(secrets.redacted("key s3cr3t-value"), "key s3cr3t-value", "nothing is known yet");
        let variables = Variables::from([("API_KEY".to_owned(), Secret::from("s3cr3t-value".to_owned()))]);
        secrets.lock().variables = Some(Arc::new(variables));
        assert_eq!(secrets.redacted("401 for s3cr3t-value!"), "401 for [REDACTED:API_KEY]!");
    }

    #[test]
    fn a_failure_is_told_when_it_lasts() {
        let since = Instant::now();
        let inner = Inner { variables: None, failing: Some((since, "503".to_owned())) };
        assert_eq!(inner.complaint(since + PATIENCE), None);
        let told = inner.complaint(since + PATIENCE + Duration::from_secs(1)).unwrap();
        assert_eq!(told, "its secrets cannot be fetched for 61 s: 503");
    }
}
