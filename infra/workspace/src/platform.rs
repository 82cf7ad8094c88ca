//! The calls that the runtime makes: register, heartbeat, the result of a turn that was answered later, and those to its
//! inbox, and the one that fetches its secrets.

use std::{collections::BTreeMap, error::Error as _, time::Duration};

use axum::http::header::RETRY_AFTER;
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url, redirect::Policy};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};
use uuid::Uuid;

use crate::secret::Secret;

const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest answer that is read.
const ANSWER_LIMIT: usize = 1024 * 1024;
/// The longest inbox that is read: ten messages of a mebibyte.
const INBOX_LIMIT: usize = 12 * 1024 * 1024;
/// How much of a refusal's text goes into a log line.
const REFUSAL_TEXT: usize = 300;
/// The code of a refusal to what was started before the newest start.
const STALE_GENERATION: &str = "stale_generation";

/// A client of one platform.
#[derive(Clone, Debug)]
pub struct Platform {
    base: String,
    client: Client,
}

/// What register answers.
#[derive(Debug, Deserialize)]
pub struct Registered {
    /// A new bearer token, given when the workspace had none or came back with its boot credential.
    pub auth_token: Option<String>,
    /// What the platform puts into its calls to us.
    pub platform_inbound_secret: Option<String>,
    /// The interval that the platform wants.
    pub heartbeat_interval_seconds: Option<f64>,
    /// Where heartbeats go, if not to `/registry/heartbeat`.
    pub heartbeat_url: Option<String>,
    /// The workspace is to end.
    #[serde(default)]
    pub shutdown: bool,
}

/// What a heartbeat answers.
#[derive(Debug, Deserialize)]
pub struct Beat {
    /// The interval that the platform wants.
    pub heartbeat_interval_seconds: Option<f64>,
    /// The workspace is to end.
    #[serde(default)]
    pub shutdown: bool,
    /// Requests to the running turns.
    #[serde(default)]
    pub control: Vec<Value>,
    /// Messages that wait for this workspace.
    #[serde(default)]
    pub pending: u64,
}

/// What a look into the inbox answers.
#[derive(Debug, Deserialize)]
pub struct Inbox {
    /// Messages that are ours now.
    pub items: Vec<Item>,
}

/// A message that was fetched.
#[derive(Debug, Deserialize)]
pub struct Item {
    /// The message's record.
    pub queue_id: String,
    /// The lease under which it is ours.
    pub slot_epoch: i64,
    /// The workspace that sent it, if one did.
    pub caller_id: Option<String>,
    /// W3C Trace Context: where in which trace it is.
    #[serde(default)]
    pub traceparent: Option<String>,
    /// What the trace's own tools say of it.
    #[serde(default)]
    pub tracestate: Option<String>,
    /// The request as its sender sent it.
    pub body: Box<RawValue>,
    /// How long the lease lasts.
    pub lease_seconds: f64,
}

/// What an extension of a lease answers.
#[derive(Debug, Deserialize)]
pub struct Lease {
    /// How long it lasts from now.
    pub lease_seconds: f64,
}

/// What a refusal has in it, as far as it is JSON.
#[derive(Debug, Default, Deserialize)]
struct Refusal {
    code: Option<String>,
    #[serde(default)]
    shutdown: bool,
}

/// Why a call did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// No answer came.
    #[error("the platform cannot be reached: {0}")]
    Unreachable(String),
    /// An answer other than 2xx came.
    #[error("the platform answered {status}: {text}")]
    Refused {
        /// Its status.
        status: StatusCode,
        /// What it said, shortened.
        text: String,
        /// The `code` in it, by which programs tell one refusal from another.
        code: Option<String>,
        /// It tells this program to end.
        shutdown: bool,
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// An answer came that means nothing.
    #[error("the platform's answer is not understood: {0}")]
    Malformed(String),
}

impl CallError {
    /// The status of the answer, if one came.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            Self::Unreachable(_) | Self::Malformed(_) => None,
        }
    }

    /// It says that a newer generation of this workspace was started: this program has been replaced.
    pub fn is_stale_generation(&self) -> bool {
        matches!(self, Self::Refused { status: StatusCode::CONFLICT, code: Some(code), .. } if code == STALE_GENERATION)
    }

    /// It tells this program to end.
    pub fn wants_shutdown(&self) -> bool {
        matches!(self, Self::Refused { shutdown: true, .. })
    }

    /// How long the platform wants to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            Self::Unreachable(_) | Self::Malformed(_) => None,
        }
    }
}

impl Platform {
    /// A client of the platform at `base`. A proxy from the environment is not used for a platform on loopback.
    pub fn new(base: &str) -> Result<Self, reqwest::Error> {
        let mut builder = Client::builder().timeout(REQUEST_TIMEOUT).redirect(Policy::none());
        if is_loopback(base) {
            builder = builder.no_proxy();
        }
        Ok(Self { base: base.to_owned(), client: builder.build()? })
    }

    /// `POST /registry/register`.
    pub async fn register(&self, token: Option<&Secret>, body: &impl Serialize) -> Result<Registered, CallError> {
        decode(self.post("/registry/register", token, body).await?).await
    }

    /// `POST /registry/heartbeat`.
    pub async fn heartbeat(&self, token: Option<&Secret>, body: &impl Serialize) -> Result<Beat, CallError> {
        decode(self.post("/registry/heartbeat", token, body).await?).await
    }

    /// A heartbeat to an address that register told.
    pub async fn heartbeat_at(
        &self,
        url: Url,
        token: Option<&Secret>,
        body: &impl Serialize,
    ) -> Result<Beat, CallError> {
        decode(Self::send(self.client.post(url).json(body), token).await?).await
    }

    /// `url` as an address for heartbeats, which carry our token: not without TLS where the platform itself has it.
    pub fn heartbeat_url(&self, url: &str) -> Option<Url> {
        let url = Url::parse(url).ok()?;
        let as_safe = url.scheme() == "https" || (url.scheme() == "http" && self.base.starts_with("http://"));
        as_safe.then_some(url)
    }

    /// `POST /workspaces/:id/a2a/queue/:queue_id/result`. The content of a good answer does not matter.
    pub async fn result(
        &self,
        token: Option<&Secret>,
        workspace: Uuid,
        queue_id: &str,
        body: &impl Serialize,
    ) -> Result<(), CallError> {
        self.post(&format!("/workspaces/{workspace}/a2a/queue/{queue_id}/result"), token, body).await?;
        Ok(())
    }

    /// `GET /workspaces/:id/inbox`: at most `max` messages, waiting up to `wait` for the first.
    pub async fn inbox(
        &self,
        token: Option<&Secret>,
        workspace: Uuid,
        wait: Duration,
        max: usize,
    ) -> Result<Inbox, CallError> {
        let url = format!("{}/workspaces/{workspace}/inbox?wait={}&max={max}", self.base, wait.as_secs());
        let request = self.client.get(url).timeout(wait + REQUEST_TIMEOUT);
        decode_up_to(Self::send(request, token).await?, INBOX_LIMIT).await
    }

    /// `POST /workspaces/:id/inbox/:queue_id/{ack,nack}`. The content of a good answer does not matter.
    pub async fn settle(
        &self,
        token: Option<&Secret>,
        workspace: Uuid,
        queue_id: &str,
        verb: &str,
        body: &impl Serialize,
    ) -> Result<(), CallError> {
        self.post(&format!("/workspaces/{workspace}/inbox/{queue_id}/{verb}"), token, body).await?;
        Ok(())
    }

    /// `POST /workspaces/:id/inbox/:queue_id/extend`.
    pub async fn extend(
        &self,
        token: Option<&Secret>,
        workspace: Uuid,
        queue_id: &str,
        body: &impl Serialize,
    ) -> Result<Lease, CallError> {
        decode(self.post(&format!("/workspaces/{workspace}/inbox/{queue_id}/extend"), token, body).await?).await
    }

    /// `GET /workspaces/:id/secrets/values`: the secrets by name. No error of it has anything of a value in it.
    pub async fn secrets(
        &self,
        token: Option<&Secret>,
        workspace: Uuid,
    ) -> Result<BTreeMap<String, Secret>, CallError> {
        let url = format!("{}/workspaces/{workspace}/secrets/values", self.base);
        let body = read(Self::send(self.client.get(url), token).await?, ANSWER_LIMIT).await?;
        // The parser's own words may quote a value of the wrong type.
        let values: BTreeMap<String, String> = serde_json::from_slice(&body)
            .map_err(|_| CallError::Malformed("the secrets are not one JSON object of strings".to_owned()))?;
        Ok(values.into_iter().map(|(name, value)| (name, Secret::from(value))).collect())
    }

    async fn post(&self, path: &str, token: Option<&Secret>, body: &impl Serialize) -> Result<Response, CallError> {
        Self::send(self.client.post(format!("{}{path}", self.base)).json(body), token).await
    }

    async fn send(mut request: RequestBuilder, token: Option<&Secret>) -> Result<Response, CallError> {
        if let Some(token) = token {
            request = request.bearer_auth(token.reveal());
        }
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let retry_after =
            response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let (text, refusal) = match read(response, ANSWER_LIMIT).await {
            Ok(body) => {
                (shorten(&String::from_utf8_lossy(&body)), serde_json::from_slice::<Refusal>(&body).unwrap_or_default())
            }
            Err(_) => ("(its text did not arrive)".to_owned(), Refusal::default()),
        };
        let Refusal { code, shutdown } = refusal;
        Err(CallError::Refused { status, text, code, shutdown, retry_after: retry_after.map(Duration::from_secs) })
    }
}

async fn decode<T: DeserializeOwned>(response: Response) -> Result<T, CallError> {
    decode_up_to(response, ANSWER_LIMIT).await
}

async fn decode_up_to<T: DeserializeOwned>(response: Response, limit: usize) -> Result<T, CallError> {
    let body = read(response, limit).await?;
    // The parser's text names a position and a type, never a value.
    serde_json::from_slice(&body).map_err(|error| CallError::Malformed(error.to_string()))
}

async fn read(mut response: Response, limit: usize) -> Result<Vec<u8>, CallError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > limit {
            return Err(CallError::Malformed(format!("it is longer than {limit} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The error with its causes: the first alone says only "error sending request".
#[expect(clippy::needless_pass_by_value, reason = "used with map_err")]
fn unreachable(error: reqwest::Error) -> CallError {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    CallError::Unreachable(text)
}

/// One line of at most `REFUSAL_TEXT` characters.
fn shorten(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(REFUSAL_TEXT).collect()
}

fn is_loopback(base: &str) -> bool {
    Url::parse(base).ok().as_ref().and_then(Url::host_str).is_some_and(|host| {
        let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_recognised_in_each_spelling() {
        for base in ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1"] {
            assert!(is_loopback(base), "{base}");
        }
        assert!(!is_loopback("https://platform.example"));
    }

    #[test]
    fn a_token_leaves_tls_for_no_heartbeat() {
        let (secure, local) = (Platform::new("https://p.example"), Platform::new("http://127.0.0.1:1"));
        let (Ok(secure), Ok(local)) = (secure, local) else { panic!("no client") };
        assert!(secure.heartbeat_url("https://x.lambda-url.example/registry/heartbeat").is_some());
        assert!(secure.heartbeat_url("http://x.lambda-url.example/registry/heartbeat").is_none());
        assert!(local.heartbeat_url("http://127.0.0.1:2/registry/heartbeat").is_some());
        for bad in ["", "/registry/heartbeat", "file:///etc/passwd", "ftp://p.example"] {
            assert!(local.heartbeat_url(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_refusal_is_one_short_line() {
        assert_eq!(shorten("a\n  b"), "a b");
        assert_eq!(shorten(&"x".repeat(5000)).len(), REFUSAL_TEXT);
    }
}
