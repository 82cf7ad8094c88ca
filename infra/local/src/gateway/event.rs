//! The event that API Gateway's HTTP API makes of a request: payload format 2.0.
//!
//! A type of its own beside `aws_lambda_events`' one: that has fields of other events, which a real one has not, and
//! owns what this borrows. A test reads what this writes as that type.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use http::header::{COOKIE, HOST, USER_AGENT};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Version};
use matchit::Params;
use percent_encoding::percent_decode_str;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use url::form_urlencoded;

/// What API Gateway knows of a request beside its head and body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Circumstances<'a> {
    pub(super) route_key: &'a str,
    pub(super) params: &'a Params<'a, 'a>,
    pub(super) peer: SocketAddr,
    pub(super) request_id: &'a str,
    pub(super) now: rules::Timestamp,
}

impl Circumstances<'_> {
    fn time(&self) -> String {
        DateTime::<Utc>::from_timestamp_millis(self.now.millis())
            .map(|time| time.format("%d/%b/%Y:%H:%M:%S %z").to_string())
            .unwrap_or_default()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    version: &'static str,
    route_key: &'a str,
    raw_path: &'a str,
    raw_query_string: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cookies: Vec<Cow<'a, str>>,
    headers: Headers<'a>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    query_string_parameters: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    #[serde(skip_serializing_if = "Pairs::is_empty")]
    path_parameters: Pairs<'a>,
    request_context: Context<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Cow<'a, str>>,
    is_base64_encoded: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Context<'a> {
    account_id: &'static str,
    api_id: &'static str,
    domain_name: &'a str,
    domain_prefix: &'a str,
    http: Http<'a>,
    request_id: &'a str,
    route_key: &'a str,
    stage: &'static str,
    time: String,
    time_epoch: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Http<'a> {
    method: &'a str,
    path: &'a str,
    protocol: &'static str,
    source_ip: String,
    user_agent: Cow<'a, str>,
}

/// The event of a request, as JSON.
pub(super) fn write(parts: &Parts, body: &[u8], of: Circumstances) -> Result<Vec<u8>, serde_json::Error> {
    let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let (text, encoded) = match std::str::from_utf8(body) {
        Ok("") => (None, false),
        Ok(text) => (Some(Cow::Borrowed(text)), false),
        Err(_) => (Some(Cow::Owned(STANDARD.encode(body))), true),
    };
    let path = decoded(parts.uri.path());
    let event = Event {
        version: "2.0",
        route_key: of.route_key,
        raw_path: &path,
        raw_query_string: parts.uri.query().unwrap_or_default(),
        cookies: cookies(&parts.headers),
        headers: Headers(&parts.headers),
        query_string_parameters: query(parts.uri.query()),
        path_parameters: Pairs(of.params),
        request_context: Context {
            account_id: "000000000000",
            api_id: "local",
            domain_name: host,
            domain_prefix: host.split(['.', ':']).next().unwrap_or_default(),
            http: Http {
                method: parts.method.as_str(),
                path: &path,
                protocol: protocol(parts.version),
                source_ip: of.peer.ip().to_string(),
                user_agent: parts.headers.get(USER_AGENT).map(text_of).unwrap_or_default(),
            },
            request_id: of.request_id,
            route_key: of.route_key,
            stage: "$default",
            time: of.time(),
            time_epoch: of.now.millis(),
        },
        body: text,
        is_base64_encoded: encoded,
    };
    let mut json = Vec::with_capacity(1_536 + body.len() + body.len() / 8);
    serde_json::to_writer(&mut json, &event)?;
    Ok(json)
}

/// The path as an HTTP API gives it: despite the name `rawPath` it is percent-decoded, and ends at a `?` that appears.
fn decoded(path: &str) -> Cow<'_, str> {
    let path = percent_decode_str(path).decode_utf8_lossy();
    match path.find('?') {
        Some(end) => Cow::Owned(path[..end].to_owned()),
        None => path,
    }
}

/// Headers that belong to the connection, and cookies, which have a place of their own. API Gateway also adds
/// `X-Forwarded-For` and its like; here a client's own word for its address would be taken for a proxy's, so no such
/// header is added.
const LEFT_OUT: [HeaderName; 8] = [
    COOKIE,
    http::header::CONNECTION,
    http::header::TRANSFER_ENCODING,
    http::header::UPGRADE,
    http::header::TE,
    http::header::TRAILER,
    http::header::EXPECT,
    HeaderName::from_static("keep-alive"),
];

/// API Gateway says by itself what it was reached by. A client's own word would become the scheme of the request's URI,
/// and might be none; that there was one stays visible.
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Headers with lower-case names, repeated ones joined by commas.
struct Headers<'a>(&'a HeaderMap);

impl Serialize for Headers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for name in self.0.keys().filter(|name| !LEFT_OUT.contains(name)) {
            if name == FORWARDED_PROTO {
                map.serialize_entry(name.as_str(), "http")?;
                continue;
            }
            let mut values = self.0.get_all(name).iter().map(ascii_of);
            let first = values.next().unwrap_or_default();
            let joined = values.fold(first, |joined, value| Cow::Owned(format!("{joined},{value}")));
            map.serialize_entry(name.as_str(), &joined)?;
        }
        map.end()
    }
}

/// Path parameters, percent-decoded.
struct Pairs<'a>(&'a Params<'a, 'a>);

impl Pairs<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Pairs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, percent_decode_str(value).decode_utf8_lossy())))
    }
}

/// Each cookie by itself.
fn cookies(headers: &HeaderMap) -> Vec<Cow<'_, str>> {
    let split = |line: Cow<'_, str>| -> Vec<String> {
        line.split(';').map(str::trim).filter(|cookie| !cookie.is_empty()).map(str::to_owned).collect()
    };
    headers.get_all(COOKIE).iter().flat_map(|line| split(text_of(line))).map(Cow::Owned).collect()
}

/// Query parameters, decoded, repeated ones joined by commas.
fn query(query: Option<&str>) -> BTreeMap<Cow<'_, str>, Cow<'_, str>> {
    let mut parameters = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        parameters
            .entry(name)
            .and_modify(|joined: &mut Cow<str>| *joined = Cow::Owned(format!("{joined},{value}")))
            .or_insert(value);
    }
    parameters
}

/// A header as a function's event can hold it: what is not visible ASCII is `?`.
fn ascii_of(value: &http::HeaderValue) -> Cow<'_, str> {
    match value.to_str() {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(value.as_bytes()).replace(|c: char| !(' '..='~').contains(&c), "?").into(),
    }
}

fn text_of(value: &http::HeaderValue) -> Cow<'_, str> {
    String::from_utf8_lossy(value.as_bytes())
}

fn protocol(version: Version) -> &'static str {
    if version == Version::HTTP_10 { "HTTP/1.0" } else { "HTTP/1.1" }
}

#[cfg(test)]
mod tests;
