//! Calls to agents. The policy is checked again at each call, on every resolved address, and the call goes to an
//! address that was checked: the resolver hands out no other. No redirects, bounded answers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use eventsource_stream::Eventsource;
use futures::stream::{BoxStream, StreamExt};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use rules::dispatch::Outcome;
use rules::envelope::{MAX_DEPTH, depth};
use rules::task::StreamEvent;
use rules::url_policy::{AgentUrl, Profile, UrlRefusal, check_address, check_url};

/// The largest answer that is taken from an agent, in bytes; of a stream, its events together. It is answered with by a
/// function, whose answers Lambda limits to 6 MB, in which the body's quotes are escaped.
pub const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// Connections to agents are used again for so long. Common servers close an idle one after five seconds, and a request that
/// goes out while it is being closed may have arrived or not.
const IDLE: Duration = Duration::from_secs(3);

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
    /// The `A2A-Version` that it answered in; none means 0.3.
    pub a2a_version: Option<String>,
    /// The body; empty unless there was an answer.
    pub body: Bytes,
}

/// What a call led to.
#[derive(Debug)]
pub enum Called {
    /// An answer, whole; or none.
    Whole(AgentAnswer),
    /// The agent answers event by event.
    Events(Events),
}

/// The events of a streamed answer, as they come.
pub struct Events {
    /// The `A2A-Version` that it answers in.
    pub a2a_version: Option<String>,
    stream: BoxStream<'static, Vec<Result<StreamEvent, String>>>,
}

/// Events that are passed on together, if so many are there.
const AT_ONCE: usize = 50;

impl Events {
    fn of(response: reqwest::Response, a2a_version: Option<String>) -> Self {
        let stream = bounded(response).eventsource().filter_map(|event| async move { read(event) });
        Self { a2a_version, stream: stream.ready_chunks(AT_ONCE).boxed() }
    }

    /// The events that came since, at least one; or how the stream broke off. None at its end.
    pub async fn next(&mut self) -> Option<Vec<Result<StreamEvent, String>>> {
        self.stream.next().await
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events").field("a2a_version", &self.a2a_version).finish_non_exhaustive()
    }
}

/// The bytes of a response, up to the most that is taken from an agent.
fn bounded(response: reqwest::Response) -> BoxStream<'static, Result<Bytes, String>> {
    let chunks = futures::stream::try_unfold((response, 0), |(mut response, before)| async move {
        let chunk = response.chunk().await.map_err(|_| "the stream ended in its middle".to_owned())?;
        let Some(chunk) = chunk else { return Ok(None) };
        let size: usize = before + chunk.len();
        if size > MAX_ANSWER {
            return Err(format!("the stream is larger than {MAX_ANSWER} bytes"));
        }
        Ok(Some((chunk, (response, size))))
    });
    chunks.boxed()
}

/// One event; what is nothing of the protocol is passed over.
fn read(
    event: Result<eventsource_stream::Event, eventsource_stream::EventStreamError<String>>,
) -> Option<Result<StreamEvent, String>> {
    use eventsource_stream::EventStreamError::{Parser, Transport, Utf8};
    match event {
        // The wrapper around the answer adds a level, or two.
        Ok(event) if depth(event.data.as_bytes()) > MAX_DEPTH + 2 => {
            Some(Err(format!("an event nests deeper than {MAX_DEPTH} levels")))
        }
        Ok(event) => {
            let read = StreamEvent::read(event.data.as_bytes());
            if read.is_none() {
                tracing::debug!("an event of an agent's stream is none of A2A");
            }
            read.map(Ok)
        }
        Err(Transport(why)) => Some(Err(why)),
        Err(Utf8(_) | Parser(_)) => Some(Err("the stream is not one of server-sent events".to_owned())),
    }
}

impl AgentAnswer {
    /// How an attempt ended that brought no answer.
    pub fn without_body(outcome: Outcome) -> Self {
        Self { outcome, content_type: String::new(), a2a_version: None, body: Bytes::new() }
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
                .pool_idle_timeout(IDLE)
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
        let exchange = async {
            match self.send(url, assigned, headers, body).await {
                Ok((response, head)) => whole(response, head).await,
                Err(answer) => answer,
            }
        };
        tokio::time::timeout(hold, exchange).await.unwrap_or_else(|_| AgentAnswer::without_body(Outcome::TimedOut))
    }

    /// Posts a JSON body to an agent that may answer event by event; the answer, or its first event, within `hold`.
    pub async fn open(&self, url: &str, assigned: bool, mut headers: HeaderMap, body: Bytes, hold: Duration) -> Called {
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream, application/json;q=0.9"));
        let exchange = async {
            match self.send(url, assigned, headers, body).await {
                Ok((response, head)) if head.content_type.starts_with("text/event-stream") => {
                    Called::Events(Events::of(response, head.a2a_version))
                }
                Ok((response, head)) => Called::Whole(whole(response, head).await),
                Err(answer) => Called::Whole(answer),
            }
        };
        let timed_out = |_| Called::Whole(AgentAnswer::without_body(Outcome::TimedOut));
        tokio::time::timeout(hold, exchange).await.unwrap_or_else(timed_out)
    }

    /// Sends the request; the response with its head, if it is one whose body counts.
    async fn send(
        &self,
        url: &str,
        assigned: bool,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<(reqwest::Response, AgentAnswer), AgentAnswer> {
        let client = if assigned {
            &self.assigned
        } else {
            if let Err(refusal) = check_url(url, self.profile) {
                return Err(AgentAnswer::without_body(Outcome::UrlRefused(refusal.to_string())));
            }
            &self.checked
        };
        let request = client.post(url).headers(headers).header(CONTENT_TYPE, "application/json").body(body);
        match request.send().await {
            Ok(response) => head(&response).map(|head| (response, head)),
            Err(error) => Err(AgentAnswer::without_body(failure(&error))),
        }
    }
}

/// What a response says before its body; an outcome whose body does not count is the whole answer.
fn head(response: &reqwest::Response) -> Result<AgentAnswer, AgentAnswer> {
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
    let a2a_version = response.headers().get("a2a-version").and_then(|value| value.to_str().ok()).and_then(version);
    let outcome = match status {
        202 if accepted => Outcome::Accepted,
        429 | 503 => Outcome::Busy { retry_after },
        401 | 403 => Outcome::Unauthorized(status),
        300..=399 => Outcome::Broken("it answered with a redirect".to_owned()),
        500.. => Outcome::ServerError(status),
        _ => Outcome::Answered(status),
    };
    if matches!(outcome, Outcome::Answered(_)) {
        Ok(AgentAnswer { outcome, content_type, a2a_version, body: Bytes::new() })
    } else {
        Err(AgentAnswer::without_body(outcome))
    }
}

async fn whole(mut response: reqwest::Response, head: AgentAnswer) -> AgentAnswer {
    let mut body = BytesMut::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > MAX_ANSWER => {
                return AgentAnswer::without_body(Outcome::Broken(format!("it is larger than {MAX_ANSWER} bytes")));
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return AgentAnswer { body: body.freeze(), ..head },
            Err(_) => {
                return AgentAnswer::without_body(Outcome::Broken("the connection ended in its middle".to_owned()));
            }
        }
    }
}

/// A version as a header has it; an empty one is none, and nobody's version is longer than 16 bytes.
pub fn version(header: &str) -> Option<String> {
    let version = header.trim();
    (!version.is_empty() && version.len() <= 16).then(|| version.to_owned())
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
