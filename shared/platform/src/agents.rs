//! Calls to agents. The policy is checked again at each call, on every resolved address, and the call goes to an
//! address that was checked: the resolver hands out no other. No redirects, bounded answers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use rules::dispatch::Outcome;
use rules::url_policy::{AgentUrl, Profile, UrlRefusal, check_address, check_url};

/// The largest answer that is taken from an agent, in bytes.
pub const MAX_ANSWER: usize = 10 * 1024 * 1024;

/// The HTTP client for agents.
#[derive(Debug, Clone)]
pub struct AgentClient {
    checked: reqwest::Client,
    assigned: reqwest::Client,
    profile: Profile,
}

/// What an agent answered.
#[derive(Debug, Clone)]
pub struct AgentAnswer {
    /// How the attempt ended, for the rule that settles it.
    pub outcome: Outcome,
    /// Content type of the body.
    pub content_type: String,
    /// The body; empty unless there was an answer.
    pub body: Bytes,
}

impl AgentAnswer {
    fn without_body(outcome: Outcome) -> Self {
        Self { outcome, content_type: String::new(), body: Bytes::new() }
    }
}

/// Resolves a name and hands out only addresses that the policy allows; one forbidden address refuses the name.
#[derive(Debug, Clone, Copy)]
struct CheckedResolver(Profile);

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let profile = self.0;
        Box::pin(async move {
            let addresses = resolve(name.as_str(), 0, profile).await?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

async fn resolve(host: &str, port: u16, profile: Profile) -> Result<Vec<SocketAddr>, UrlRefusal> {
    let looked_up = tokio::time::timeout(Duration::from_secs(5), tokio::net::lookup_host((host, port))).await;
    let addresses: Vec<SocketAddr> = match looked_up {
        Ok(Ok(addresses)) => addresses.collect(),
        _ => return Err(UrlRefusal::Dns),
    };
    if addresses.is_empty() {
        return Err(UrlRefusal::Dns);
    }
    addresses.iter().try_for_each(|address| check_address(address.ip(), profile))?;
    Ok(addresses)
}

impl AgentClient {
    /// A client that holds to `profile`.
    pub fn new(profile: Profile) -> Self {
        let base = || {
            reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .connect_timeout(Duration::from_secs(5))
                .pool_idle_timeout(Duration::from_secs(60))
                .no_proxy()
        };
        let build = |builder: reqwest::ClientBuilder| builder.build().unwrap_or_default();
        Self {
            checked: build(base().dns_resolver(Arc::new(CheckedResolver(profile)))),
            assigned: build(base()),
            profile,
        }
    }

    /// Whether an agent may be registered at `url`: the text, and every address that its host has now.
    ///
    /// # Errors
    /// Why not, in words that never repeat the URL.
    pub async fn check(&self, url: &str) -> Result<AgentUrl, UrlRefusal> {
        let checked = check_url(url, self.profile)?;
        if checked.needs_resolution() {
            resolve(checked.host(), checked.port(), self.profile).await?;
        }
        Ok(checked)
    }

    /// Posts a JSON body and reads the answer, within `hold`. `assigned` says that the platform itself chose the address.
    pub async fn post(
        &self,
        url: &str,
        assigned: bool,
        headers: HeaderMap,
        body: Bytes,
        hold: Duration,
    ) -> AgentAnswer {
        let client = if assigned {
            &self.assigned
        } else {
            if let Err(refusal) = check_url(url, self.profile) {
                return AgentAnswer::without_body(Outcome::UrlRefused(refusal.to_string()));
            }
            &self.checked
        };
        let request = client.post(url).headers(headers).header(CONTENT_TYPE, "application/json").body(body);
        match tokio::time::timeout(hold, exchange(request)).await {
            Ok(answer) => answer,
            Err(_) => AgentAnswer::without_body(Outcome::TimedOut),
        }
    }
}

async fn exchange(request: reqwest::RequestBuilder) -> AgentAnswer {
    let mut response = match request.send().await {
        Ok(response) => response,
        Err(error) => return AgentAnswer::without_body(failure(&error)),
    };
    let status = response.status().as_u16();
    let applied = response.headers().get("preference-applied").and_then(|value| value.to_str().ok());
    let accepted = status == 202 && applied.is_some_and(|value| value.contains("respond-async"));
    let retry_after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.trim().parse().ok())
        .map(Duration::from_secs);
    let content_type = response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("application/json")
        .to_owned();
    let outcome = match status {
        202 if accepted => Outcome::Accepted,
        429 | 503 => Outcome::Busy { retry_after },
        401 | 403 => Outcome::Unauthorized(status),
        300..=399 => Outcome::Broken("it answered with a redirect".to_owned()),
        500.. => Outcome::ServerError(status),
        _ => Outcome::Answered(status),
    };
    if !matches!(outcome, Outcome::Answered(_)) {
        return AgentAnswer::without_body(outcome);
    }
    let mut body = BytesMut::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > MAX_ANSWER => {
                return AgentAnswer::without_body(Outcome::Broken(format!("it is larger than {MAX_ANSWER} bytes")));
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return AgentAnswer { outcome, content_type, body: body.freeze() },
            Err(_) => {
                return AgentAnswer::without_body(Outcome::Broken("the connection ended in its middle".to_owned()));
            }
        }
    }
}

/// Sorts a failed exchange by what is certain about delivery.
fn failure(error: &reqwest::Error) -> Outcome {
    if let Some(refusal) = source::<UrlRefusal>(error) {
        return Outcome::UrlRefused(refusal.to_string());
    }
    if error.is_connect() || error.is_builder() {
        return Outcome::Refused;
    }
    if error.is_timeout() {
        return Outcome::TimedOut;
    }
    Outcome::Lost("the connection ended before an answer".to_owned())
}

fn source<'a, T: std::error::Error + 'static>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}
